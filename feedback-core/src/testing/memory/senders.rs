//! Scripted senders and directories: they record what they are asked and fail on command.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    domain::{Channel, OutboundMessage},
    ports::{ChannelSender, Directory, Person, PortError, PortErrorKind, ReadBack, Receipt},
};

/// What a scripted sender does with one call, in place of delivering and saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendStep {
    /// Delivers, as without a script; for a script in which a later call fails.
    Deliver,
    /// Delivers nothing and fails in this way, with this code of the provider's.
    Fail(PortErrorKind, &'static str),
    /// Delivers, but the answer is lost: `Unknown`.
    LoseAnswer,
    /// Never answers; with `true` in it, after delivering. The caller's time limit ends it.
    Hang {
        /// Whether the message goes out.
        delivers: bool,
    },
}

/// A [`ChannelSender`] in memory. What it delivered can be read; a script says which calls fail.
pub struct ScriptedSender {
    channel: Channel,
    is_blind: bool,
    state: Mutex<SenderState>,
}

#[derive(Default)]
struct SenderState {
    script: VecDeque<SendStep>,
    read_backs: VecDeque<(PortErrorKind, &'static str)>,
    delivered: Vec<(OutboundMessage, Receipt)>,
    calls: usize,
    down: Option<(PortErrorKind, &'static str)>,
}

impl ScriptedSender {
    /// A sender of a channel that delivers everything and finds it again by its marker.
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            is_blind: false,
            state: Mutex::default(),
        }
    }

    /// The same, but it cannot be asked for a message afterwards, as WhatsApp.
    #[must_use]
    pub fn blind(mut self) -> Self {
        self.is_blind = true;
        self
    }

    /// Appends a step: each call of `send` takes one, and delivers once none is left.
    pub fn script(&self, step: SendStep) {
        self.state().script.push_back(step);
    }

    /// Lets every call that no script step is left for fail in this way, until it is told otherwise by `None`: an outage.
    pub fn set_down(&self, failure: Option<(PortErrorKind, &'static str)>) {
        self.state().down = failure;
    }

    /// Lets the next `read_back` that has no failure before it fail in this way.
    pub fn fail_read_back(&self, kind: PortErrorKind, code: &'static str) {
        self.state().read_backs.push_back((kind, code));
    }

    /// What was delivered, in order: a message that was sent twice is here twice.
    pub fn delivered(&self) -> Vec<OutboundMessage> {
        self.state()
            .delivered
            .iter()
            .map(|(message, _)| message.clone())
            .collect()
    }

    /// The delivered texts, in order.
    pub fn texts(&self) -> Vec<String> {
        self.state()
            .delivered
            .iter()
            .map(|(message, _)| message.approved.text().to_owned())
            .collect()
    }

    /// How often `send` was called for its own channel, successful or not.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, SenderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, message: &OutboundMessage) -> Receipt {
        let mut state = self.state();
        let provider_message_id = format!("{}-{}", self.channel, state.delivered.len() + 1);
        let receipt = Receipt {
            provider_message_id,
            at: Some(message.started_at),
        };
        state.delivered.push((message.clone(), receipt.clone()));
        receipt
    }
}

impl fmt::Debug for ScriptedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedSender")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ChannelSender for ScriptedSender {
    fn channel(&self) -> Channel {
        self.channel
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
        const OPERATION: &str = "scripted.send";
        if message.route.channel() != self.channel {
            return Err(PortError::new(PortErrorKind::Rejected, OPERATION).with_code("foreign_route"));
        }
        let step = {
            let mut state = self.state();
            state.calls += 1;
            let unscripted = state
                .down
                .map_or(SendStep::Deliver, |(kind, code)| SendStep::Fail(kind, code));
            state.script.pop_front().unwrap_or(unscripted)
        };
        match step {
            SendStep::Deliver => Ok(self.deliver(message)),
            SendStep::Fail(kind, code) => Err(PortError::new(kind, OPERATION).with_code(code)),
            SendStep::LoseAnswer => {
                self.deliver(message);
                Err(PortError::new(PortErrorKind::Unknown, OPERATION).with_code("connection_lost"))
            }
            SendStep::Hang { delivers } => {
                if delivers {
                    self.deliver(message);
                }
                std::future::pending().await
            }
        }
    }

    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
        let mut state = self.state();
        if let Some((kind, code)) = state.read_backs.pop_front() {
            return Err(PortError::new(kind, "scripted.read_back").with_code(code));
        }
        if self.is_blind {
            return Ok(ReadBack::Blind);
        }
        let found = state
            .delivered
            .iter()
            .find(|(delivered, _)| delivered.marker == message.marker);
        Ok(found.map_or(ReadBack::Absent, |(_, receipt)| ReadBack::Found(receipt.clone())))
    }
}

/// A [`Directory`] in memory: it knows whom a test names, and fails on command.
pub struct ScriptedDirectory {
    channel: Channel,
    state: Mutex<DirectoryState>,
}

#[derive(Default)]
struct DirectoryState {
    people: BTreeMap<String, Person>,
    script: VecDeque<(PortErrorKind, &'static str)>,
    asked: Vec<String>,
}

impl ScriptedDirectory {
    /// A directory of a channel that knows nobody.
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            state: Mutex::default(),
        }
    }

    /// Adds a person, or changes one.
    pub fn put(&self, external_user_id: &str, person: Person) {
        self.state().people.insert(external_user_id.to_owned(), person);
    }

    /// Adds a person with a name and an address that the provider vouches for.
    pub fn put_verified(&self, external_user_id: &str, name: &str, email: &str) {
        let person = Person {
            name: Some(SecretString::from(name)),
            email: Some(SecretString::from(email)),
            email_verified: true,
            phone: None,
        };
        self.put(external_user_id, person);
    }

    /// Lets the next look-up that has no failure before it fail in this way.
    pub fn fail_next(&self, kind: PortErrorKind, code: &'static str) {
        self.state().script.push_back((kind, code));
    }

    /// Whom it was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, DirectoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ScriptedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedDirectory")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for ScriptedDirectory {
    fn channel(&self) -> Channel {
        self.channel
    }

    async fn person(&self, external_user_id: &str) -> Result<Option<Person>, PortError> {
        let mut state = self.state();
        state.asked.push(external_user_id.to_owned());
        match state.script.pop_front() {
            Some((kind, code)) => Err(PortError::new(kind, "scripted.person").with_code(code)),
            None => Ok(state.people.get(external_user_id).cloned()),
        }
    }
}

/// The fakes against the suites of their ports: all but what only a network can do.
#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        domain::{Route, Timestamp, WhatsAppMode},
        testing::{
            conformance::{
                BoxFuture,
                channel_sender::{
                    self, ChannelSenderBench, ChannelSenderHarness, Delivered, Failure, LooksBack, Scripted,
                },
                directory::{self, DirectoryBench, DirectoryHarness, KnownPerson, LookUpFailure},
            },
            outbound::{whatsapp_session, whatsapp_template},
        },
    };

    /// Gives a call a time limit and a text limit, as every real sender has.
    #[derive(Debug)]
    struct Limited(Arc<ScriptedSender>);

    #[async_trait]
    impl ChannelSender for Limited {
        fn channel(&self) -> Channel {
            self.0.channel()
        }

        async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
            if message.approved.text().len() > 1_000 {
                return Err(PortError::new(PortErrorKind::Rejected, "scripted.send").with_code("too_long"));
            }
            match tokio::time::timeout(Duration::from_millis(20), self.0.send(message)).await {
                Ok(result) => result,
                Err(_) => Err(PortError::new(PortErrorKind::Unknown, "scripted.send").with_code("timeout")),
            }
        }

        async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
            self.0.read_back(message).await
        }
    }

    struct Senders {
        channel: Channel,
    }

    struct SenderBench {
        sender: Arc<ScriptedSender>,
    }

    impl ChannelSenderHarness for Senders {
        fn start(&self) -> BoxFuture<'_, Box<dyn ChannelSenderBench>> {
            let sender = ScriptedSender::new(self.channel);
            let sender = Arc::new(if self.channel == Channel::WhatsApp {
                sender.blind()
            } else {
                sender
            });
            Box::pin(async { Box::new(SenderBench { sender }) as Box<dyn ChannelSenderBench> })
        }
    }

    impl ChannelSenderBench for SenderBench {
        fn sender(&self) -> Arc<dyn ChannelSender> {
            Arc::new(Limited(Arc::clone(&self.sender)))
        }

        fn unreachable(&self) -> Arc<dyn ChannelSender> {
            let sender = ScriptedSender::new(self.sender.channel);
            let sender = if self.sender.is_blind { sender.blind() } else { sender };
            sender.script(SendStep::Fail(PortErrorKind::NotSent, "connect"));
            sender.fail_read_back(PortErrorKind::NotSent, "connect");
            Arc::new(sender)
        }

        fn routes(&self, text: &str) -> Vec<Route> {
            let whatsapp = |mode: WhatsAppMode| Route::WhatsApp {
                phone_number_id: "PN1".into(),
                to: "15550109999".into(),
                quoted: None,
                mode,
            };
            match self.sender.channel {
                Channel::WhatsApp => vec![
                    whatsapp(whatsapp_session(self.now().plus(Duration::from_secs(60)))),
                    whatsapp(whatsapp_template("update", "es", &[text])),
                ],
                _ => vec![Route::Intercom {
                    conversation: "900100".into(),
                }],
            }
        }

        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn delivered(&self) -> BoxFuture<'_, Vec<Delivered>> {
            let state = self.sender.state();
            let delivered = state.delivered.iter().map(|(message, receipt)| Delivered {
                id: receipt.provider_message_id.clone(),
                text: message.approved.text().to_owned(),
                marker: Some(message.marker.as_str().to_owned()),
            });
            let delivered = delivered.collect();
            Box::pin(async { delivered })
        }

        fn requests(&self) -> usize {
            self.sender.calls()
        }

        fn looks_back(&self) -> LooksBack {
            if self.sender.is_blind {
                LooksBack::NotAtAll
            } else {
                LooksBack::ByMarker
            }
        }

        fn fail_next(&self, failure: Failure) -> Scripted {
            let refuse = |kind, code: &'static str| {
                self.sender.script(SendStep::Fail(kind, code));
                Scripted::WithCode(code.into())
            };
            match failure {
                Failure::Refused => refuse(PortErrorKind::Rejected, "no"),
                Failure::RateLimited => refuse(PortErrorKind::RateLimited { retry_after: None }, "later"),
                Failure::Unauthorized => refuse(PortErrorKind::Unauthorized, "who"),
                Failure::Unavailable => refuse(PortErrorKind::Unavailable, "down"),
                Failure::Restricted => refuse(PortErrorKind::ChannelRestricted, "closed"),
                Failure::SilentAfterEffect => {
                    self.sender.script(SendStep::Hang { delivers: true });
                    Scripted::Silently
                }
                Failure::ClosedAfterEffect => {
                    self.sender.script(SendStep::LoseAnswer);
                    Scripted::Silently
                }
                Failure::ClosedBeforeEffect => {
                    self.sender
                        .script(SendStep::Fail(PortErrorKind::Unknown, "connection_lost"));
                    Scripted::Silently
                }
            }
        }

        fn longest_text(&self) -> usize {
            1_000
        }

        fn secrets(&self) -> Vec<String> {
            vec!["15550109999".into(), "900100".into()]
        }
    }

    #[tokio::test]
    async fn the_scripted_sender_keeps_the_promises_of_the_port() {
        for channel in [Channel::Intercom, Channel::WhatsApp] {
            let suite = channel_sender::Suite(Box::new(Senders { channel }));
            for check in channel_sender::CHECKS {
                (check.run)(&suite).await;
            }
        }
    }

    struct Directories;

    impl DirectoryHarness for Directories {
        fn start(&self) -> BoxFuture<'_, Box<dyn DirectoryBench>> {
            let directory = Arc::new(ScriptedDirectory::new(Channel::Slack));
            directory.put_verified("U0ANA", "Ana Paz", "ana@empresa.example");
            directory.put(
                "U0LEO",
                Person {
                    name: Some(SecretString::from("Leo")),
                    ..Person::default()
                },
            );
            Box::pin(async { Box::new(directory) as Box<dyn DirectoryBench> })
        }
    }

    impl DirectoryBench for Arc<ScriptedDirectory> {
        fn directory(&self) -> Arc<dyn Directory> {
            Self::clone(self)
        }

        fn unreachable(&self) -> Arc<dyn Directory> {
            let directory = ScriptedDirectory::new(Channel::Slack);
            directory.fail_next(PortErrorKind::NotSent, "connect");
            Arc::new(directory)
        }

        fn channel(&self) -> Channel {
            Channel::Slack
        }

        fn people(&self) -> Vec<KnownPerson> {
            let known = |id: &str, name: &str, email: Option<&str>| KnownPerson {
                external_user_id: id.into(),
                name: Some(name.into()),
                email: email.map(Into::into),
                email_verified: email.is_some(),
                phone: None,
            };
            vec![
                known("U0ANA", "Ana Paz", Some("ana@empresa.example")),
                known("U0LEO", "Leo", None),
            ]
        }

        fn nobody(&self) -> String {
            "U0NOBODY".into()
        }

        fn fail_next(&self, failure: LookUpFailure) -> bool {
            let (kind, code) = match failure {
                LookUpFailure::RateLimited => (PortErrorKind::RateLimited { retry_after: None }, "later"),
                LookUpFailure::Unauthorized => (PortErrorKind::Unauthorized, "who"),
                LookUpFailure::Unavailable => (PortErrorKind::Unavailable, "down"),
                LookUpFailure::Silent => (PortErrorKind::Unknown, "timeout"),
                LookUpFailure::Closed => (PortErrorKind::Unknown, "connection_lost"),
            };
            ScriptedDirectory::fail_next(self, kind, code);
            true
        }

        fn changes(&self) -> usize {
            0
        }

        fn secrets(&self) -> Vec<String> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn the_scripted_directory_keeps_the_promises_of_the_port() {
        let suite = directory::Suite(Box::new(Directories));
        for check in directory::CHECKS {
            (check.run)(&suite).await;
        }
        let directory = ScriptedDirectory::new(Channel::Slack);
        directory.person("U1").await.unwrap();
        assert_eq!(directory.asked(), ["U1"]);
    }
}
