//! Email: mails that people write reach the hub as a forwarding function hands them on; mails of the hub arrive over SMTP.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Inbound, shared::Shared, webhooks::email::MailReport, world::World};

mod server;

pub(crate) use server::serve;

/// How many mails are kept; a demo that runs for days must not grow without end.
const KEPT: usize = 5_000;

/// A mail as its recipient has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mail {
    /// Who wrote, as the envelope says.
    pub from: String,
    /// Whom it reached.
    pub to: String,
    /// Its subject, decoded.
    pub subject: String,
    /// The plain part, decoded.
    pub text: String,
    /// The HTML part, decoded.
    pub html: Option<String>,
    /// `Message-ID` without brackets.
    pub message_id: String,
    /// `In-Reply-To` without brackets.
    pub in_reply_to: Option<String>,
    /// `References` without brackets, oldest first.
    pub references: Vec<String>,
    /// `List-Unsubscribe` as it stands.
    pub list_unsubscribe: Option<String>,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// Whether a person wrote it, to the company; else it came from the hub.
    pub is_from_person: bool,
    /// As it was sent. Empty for what people write.
    pub raw: String,
}

/// All mails, oldest first.
#[derive(Debug, Default)]
pub(crate) struct State {
    mails: std::collections::VecDeque<Mail>,
}

impl State {
    pub(super) fn keep(&mut self, mail: Mail) {
        if self.mails.len() == KEPT {
            self.mails.pop_front();
        }
        self.mails.push_back(mail);
    }
}

/// What people and the hub did by mail.
#[derive(Debug, Clone)]
pub struct Email {
    world: Arc<World>,
}

impl Email {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    fn state(&self) -> &Shared<State> {
        &self.world.email
    }

    /// All mails, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.state().lock().mails.iter().cloned().collect()
    }

    /// The mails that the hub sent, oldest first.
    pub fn sent(&self) -> Vec<Mail> {
        let mut mails = self.mails();
        mails.retain(|mail| !mail.is_from_person);
        mails
    }

    /// A person writes a mail of their own.
    pub fn person_writes(&self, address: &str, name: &str, subject: &str, text: &str) -> (Mail, Inbound) {
        self.write(address, name, subject, text, None)
    }

    /// A person answers a mail, one of theirs or one of the hub's.
    pub fn person_answers(&self, address: &str, name: &str, answered: &Mail, text: &str) -> (Mail, Inbound) {
        let subject = match answered.subject.get(..3) {
            Some(prefix) if prefix.eq_ignore_ascii_case("re:") => answered.subject.clone(),
            _ => format!("Re: {}", answered.subject),
        };
        self.write(address, name, &subject, text, Some(answered))
    }

    fn write(&self, address: &str, name: &str, subject: &str, text: &str, answered: Option<&Mail>) -> (Mail, Inbound) {
        let at = self.world.clock.now();
        let mut references = answered.map(|mail| mail.references.clone()).unwrap_or_default();
        references.extend(answered.map(|mail| mail.message_id.clone()));
        let domain = address.rsplit_once('@').map_or("example.test", |(_, domain)| domain);
        let mail = Mail {
            from: address.to_owned(),
            to: self.world.config.email.address.clone(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: None,
            message_id: format!("{}@{domain}", self.world.ids.mail_id()),
            in_reply_to: answered.map(|mail| mail.message_id.clone()),
            references,
            list_unsubscribe: None,
            at,
            is_from_person: true,
            raw: String::new(),
        };
        self.state().lock().keep(mail.clone());
        let report = MailReport {
            message_id: mail.message_id.clone(),
            from: mail.from.clone(),
            name: name.to_owned(),
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            in_reply_to: mail.in_reply_to.clone(),
            references: mail.references.clone(),
            at,
        };
        (mail, Inbound(report.webhook()))
    }
}
