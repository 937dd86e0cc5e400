//! Where the story is told: a hub, by way of the providers.

use std::{collections::HashMap, fmt, io, sync::Arc};

use url::Url;

use super::{Report, ReportChannel};
use crate::{
    Delivery, Inbound, Sandbox, SandboxFile,
    config::{ChannelAccess, SandboxConfig, SlackChannel},
    email::{Email, Mail},
    intercom::Intercom,
    shared::Shared,
    slack::Slack,
    whatsapp::WhatsApp,
    world::World,
};

/// What slash command people type.
const COMMAND: &str = "/feedback";

/// Of the reports in Slack, those with a place in the story that this divides come with a picture: the first among them.
const PICTURE_EVERY: u64 = 6;

/// A hub, and the providers through which people reach it.
pub struct SimulatorTarget {
    world: Arc<World>,
    threads: Shared<HashMap<u64, Thread>>,
}

impl fmt::Debug for SimulatorTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorTarget")
            .field("hub", &self.world.hub.url())
            .finish_non_exhaustive()
    }
}

/// Where a further word on a report goes.
#[derive(Debug, Clone)]
enum Thread {
    Slack { channel: String, ts: String },
    Intercom { conversation_id: String },
    Email(Box<Mail>),
}

impl SimulatorTarget {
    /// The hub that the sandbox is connected to. Everything shows in the stand-ins as well.
    pub fn sandbox(sandbox: &Sandbox) -> Self {
        Self {
            world: Arc::clone(sandbox.world()),
            threads: Shared::default(),
        }
    }

    /// A hub elsewhere, over plain HTTP, that checks the secrets in `config`. Nothing listens for its answers.
    ///
    /// # Errors
    /// When the address is not plain HTTP, or no HTTP client can be made.
    pub fn hub(url: &str, config: SandboxConfig) -> io::Result<Self> {
        if !Url::parse(url).is_ok_and(|url| url.scheme() == "http" && url.has_host()) {
            let message = "the hub's address is not of the form http://host:port";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let world = World::new(config).map_err(io::Error::other)?;
        world.hub.connect(url);
        Ok(Self {
            world,
            threads: Shared::default(),
        })
    }

    /// Lets the report happen, and tells the hub as often as its provider would.
    pub async fn post(&self, report: &Report) -> Delivery {
        let inbound = self.happen(report);
        self.world.hub.deliver(&inbound.0).await
    }

    fn happen(&self, report: &Report) -> Inbound {
        let followed = report
            .follows
            .and_then(|index| self.threads.lock().get(&index).cloned());
        let (inbound, thread) = match report.channel {
            ReportChannel::SlackMessage => self.on_slack(report, followed),
            ReportChannel::SlackCommand => self.by_command(report),
            ReportChannel::Intercom => self.on_intercom(report, followed),
            ReportChannel::WhatsApp => {
                let whatsapp = WhatsApp::new(Arc::clone(&self.world));
                let (_, inbound) = whatsapp.person_writes(&report.person.phone, &report.person.name, &report.text);
                (inbound, None)
            }
            ReportChannel::Email => self.by_mail(report, followed),
        };
        if let Some(thread) = thread {
            self.threads.lock().insert(report.index, thread);
        }
        inbound
    }

    fn on_slack(&self, report: &Report, followed: Option<Thread>) -> (Inbound, Option<Thread>) {
        let slack = Slack::new(Arc::clone(&self.world));
        let user = &report.person.slack_id;
        if let Some(Thread::Slack { channel, ts }) = followed {
            return (slack.person_replies(user, &channel, &ts, &report.text).1, None);
        }
        let channel = self.channel_for(report);
        let (posted, inbound) = if report.index.is_multiple_of(PICTURE_EVERY) && self.world.urls.get().is_some() {
            slack.person_posts_file(user, &channel, &report.text, SandboxFile::screenshot())
        } else {
            slack.person_posts(user, &channel, &report.text)
        };
        (inbound, Some(Thread::Slack { channel, ts: posted.ts }))
    }

    fn by_command(&self, report: &Report) -> (Inbound, Option<Thread>) {
        let slack = Slack::new(Arc::clone(&self.world));
        let channel = self.channel_for(report);
        (
            slack
                .person_commands(&report.person.slack_id, &channel, COMMAND, &report.text)
                .1,
            None,
        )
    }

    fn by_mail(&self, report: &Report, followed: Option<Thread>) -> (Inbound, Option<Thread>) {
        let email = Email::new(Arc::clone(&self.world));
        let person = &report.person;
        if let Some(Thread::Email(mail)) = followed {
            let (_, inbound) = email.person_answers(&person.email, &person.name, &mail, &report.text);
            return (inbound, None);
        }
        let subject = subject_of(&report.text);
        let (mail, inbound) = email.person_writes(&person.email, &person.name, &subject, &report.text);
        (inbound, Some(Thread::Email(Box::new(mail))))
    }

    fn on_intercom(&self, report: &Report, followed: Option<Thread>) -> (Inbound, Option<Thread>) {
        let intercom = Intercom::new(Arc::clone(&self.world));
        if let Some(Thread::Intercom { conversation_id }) = followed
            && let Some((_, inbound)) = intercom.person_replies(&conversation_id, &report.text)
        {
            return (inbound, None);
        }
        let (opened, inbound) = intercom.person_writes(&report.person.intercom_id, &report.text);
        (
            inbound,
            Some(Thread::Intercom {
                conversation_id: opened.conversation_id,
            }),
        )
    }

    /// One of the channels that the app was added to; the same for the same report.
    fn channel_for(&self, report: &Report) -> String {
        let is_joined = |channel: &&SlackChannel| channel.access == ChannelAccess::Member;
        let channels: Vec<&SlackChannel> = self.world.config.slack.channels.iter().filter(is_joined).collect();
        let count = channels.len().max(1) as u64;
        let index = usize::try_from(report.index % count).unwrap_or_default();
        channels
            .get(index)
            .map_or_else(|| "C0SUPPORT".to_owned(), |channel| channel.id.clone())
    }
}

/// The first sentence as a person types it into a subject: they stop at a word.
fn subject_of(text: &str) -> String {
    let sentence = text.split(['.', '?', '!', '\n']).next().unwrap_or_default();
    let mut subject = String::new();
    for word in sentence.split_whitespace() {
        if !subject.is_empty() && subject.len() + word.len() > 60 {
            break;
        }
        if !subject.is_empty() {
            subject.push(' ');
        }
        subject.push_str(word);
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::subject_of;

    #[test]
    fn a_subject_ends_with_a_word() {
        let text = "Estaría bien poder ver las entregas en un calendario y no solo en una lista. Gracias";
        assert_eq!(
            subject_of(text),
            "Estaría bien poder ver las entregas en un calendario y no"
        );
        assert_eq!(subject_of("No abre"), "No abre");
        assert_eq!(subject_of(""), "");
    }
}
