//! Scripted conversations: messages that a test put there, and the threads that were begun.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::ExposeSecret;

use crate::{
    domain::{Channel, ExternalId, ThreadRef},
    logic::normalize::WantedForm,
    ports::{Conversations, PortError, PortErrorKind, StepEnd, ThreadOpening},
};

/// A receipt as it was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedReceipt {
    /// What it is found by.
    pub marker: String,
    /// Its words.
    pub text: String,
    /// The thread that it begins.
    pub thread: ThreadRef,
}

/// [`Conversations`] of Slack in memory: it gives the messages that a test put there, begins threads, and fails on command.
#[derive(Default)]
pub struct ScriptedConversations {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<ExternalId, Bytes>,
    closed: BTreeSet<String>,
    receipts: Vec<PostedReceipt>,
    script: VecDeque<(PortErrorKind, &'static str)>,
    lost: usize,
    forms: Vec<WantedForm>,
    waiting: BTreeMap<ExternalId, Vec<String>>,
    steps: BTreeMap<ExternalId, StepEnd>,
}

impl ScriptedConversations {
    /// Puts a message there, as the provider's API would give it.
    pub fn put_message(&self, id: ExternalId, body: impl Into<Bytes>) {
        self.state().messages.insert(id, body.into());
    }

    /// Our app is not in this channel any more.
    pub fn close_channel(&self, channel: &str) {
        self.state().closed.insert(channel.to_owned());
    }

    /// Lets the next call that has no failure before it fail in this way.
    pub fn fail_next(&self, kind: PortErrorKind, code: &'static str) {
        self.state().script.push_back((kind, code));
    }

    /// The next thread is begun, and the answer is lost.
    pub fn lose_next_answer(&self) {
        self.state().lost += 1;
    }

    /// What was posted, in order.
    pub fn receipts(&self) -> Vec<PostedReceipt> {
        self.state().receipts.clone()
    }

    /// The forms that were shown, in order.
    pub fn forms(&self) -> Vec<WantedForm> {
        self.state().forms.clone()
    }

    /// A run of a step waits, and demands these outputs.
    pub fn begin_step(&self, execution: ExternalId, outputs: &[&str]) {
        let outputs = outputs.iter().map(|name| (*name).to_owned()).collect();
        self.state().waiting.insert(execution, outputs);
    }

    /// How each run of a step was ended.
    pub fn ended_steps(&self) -> BTreeMap<ExternalId, StepEnd> {
        self.state().steps.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ScriptedConversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedConversations").finish_non_exhaustive()
    }
}

#[async_trait]
impl Conversations for ScriptedConversations {
    fn channel(&self) -> Channel {
        Channel::Slack
    }

    async fn message(&self, id: &ExternalId) -> Result<Option<Bytes>, PortError> {
        let mut state = self.state();
        match state.script.pop_front() {
            Some((kind, code)) => Err(PortError::new(kind, "scripted.message").with_code(code)),
            None => Ok(state.messages.get(id).cloned()),
        }
    }

    async fn open_thread(&self, opening: &ThreadOpening) -> Result<ThreadRef, PortError> {
        let mut state = self.state();
        if let Some((kind, code)) = state.script.pop_front() {
            return Err(PortError::new(kind, "scripted.open_thread").with_code(code));
        }
        if let Some(found) = state.receipts.iter().find(|receipt| receipt.marker == opening.marker) {
            return Ok(found.thread.clone());
        }
        let ThreadRef::Slack { team, channel, .. } = &opening.place else {
            return Err(PortError::new(PortErrorKind::Rejected, "scripted.open_thread").with_code("foreign_place"));
        };
        let place = if state.closed.contains(channel) {
            format!("D-{}", opening.person.expose_secret())
        } else {
            channel.clone()
        };
        let thread = ThreadRef::Slack {
            team: team.clone(),
            channel: place,
            thread_ts: Some(format!("1767225600.{:06}", state.receipts.len() + 900_000)),
        };
        state.receipts.push(PostedReceipt {
            marker: opening.marker.clone(),
            text: opening.receipt.clone(),
            thread: thread.clone(),
        });
        if state.lost > 0 {
            state.lost -= 1;
            return Err(PortError::new(PortErrorKind::Unknown, "scripted.open_thread").with_code("connection_lost"));
        }
        Ok(thread)
    }

    async fn open_form(&self, form: &WantedForm) -> Result<(), PortError> {
        let mut state = self.state();
        if let Some((kind, code)) = state.script.pop_front() {
            return Err(PortError::new(kind, "scripted.open_form").with_code(code));
        }
        if state.forms.iter().any(|shown| shown.trigger == form.trigger) {
            return Err(PortError::new(PortErrorKind::Rejected, "scripted.open_form").with_code("exchanged_trigger_id"));
        }
        state.forms.push(form.clone());
        Ok(())
    }

    async fn end_step(&self, execution: &ExternalId, end: &StepEnd) -> Result<(), PortError> {
        let mut state = self.state();
        if let Some((kind, code)) = state.script.pop_front() {
            return Err(PortError::new(kind, "scripted.end_step").with_code(code));
        }
        let Some(outputs) = state.waiting.get(execution) else {
            return Ok(());
        };
        if let StepEnd::Done(given) = end
            && !given.keys().eq(outputs)
        {
            let error = PortError::new(PortErrorKind::Rejected, "scripted.end_step");
            return Err(error.with_code("parameter_validation_failed"));
        }
        state.waiting.remove(execution);
        state.steps.insert(execution.clone(), end.clone());
        if state.lost > 0 {
            state.lost -= 1;
            return Err(PortError::new(PortErrorKind::Unknown, "scripted.end_step").with_code("connection_lost"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secrecy::SecretString;

    use super::*;
    use crate::{
        domain::Timestamp,
        testing::conformance::{
            BoxFuture,
            conversations::{self, ConversationsBench, ConversationsFailure, ConversationsHarness},
        },
    };

    struct Scripted;

    impl ConversationsHarness for Scripted {
        fn start(&self) -> BoxFuture<'_, Box<dyn ConversationsBench>> {
            let conversations = Arc::new(ScriptedConversations::default());
            conversations.put_message(known(), r#"{"type":"message","ts":"1.000001","text":"hola"}"#);
            conversations.close_channel("C0CLOSED");
            conversations.begin_step(step(), &["ticket_number"]);
            Box::pin(async { Box::new(conversations) as Box<dyn ConversationsBench> })
        }
    }

    fn known() -> ExternalId {
        ExternalId::parse("T0:C0:1.000001").unwrap()
    }

    fn step() -> ExternalId {
        ExternalId::parse("Fx01").unwrap()
    }

    impl ConversationsBench for Arc<ScriptedConversations> {
        fn conversations(&self) -> Arc<dyn Conversations> {
            Self::clone(self)
        }

        fn unreachable(&self) -> Arc<dyn Conversations> {
            let conversations = ScriptedConversations::default();
            conversations.fail_next(PortErrorKind::NotSent, "connect");
            conversations.fail_next(PortErrorKind::NotSent, "connect");
            conversations.fail_next(PortErrorKind::NotSent, "connect");
            Arc::new(conversations)
        }

        fn channel(&self) -> Channel {
            Channel::Slack
        }

        fn known_message(&self) -> (ExternalId, String) {
            (known(), "hola".into())
        }

        fn unknown_message(&self) -> ExternalId {
            ExternalId::parse("T0:C0:9.000001").unwrap()
        }

        fn opening(&self, marker: &str, receipt: &str) -> ThreadOpening {
            opening("C0", marker, receipt)
        }

        fn closed_opening(&self, marker: &str, receipt: &str) -> ThreadOpening {
            opening("C0CLOSED", marker, receipt)
        }

        fn receipts(&self) -> BoxFuture<'_, Vec<(String, ThreadRef)>> {
            let receipts = ScriptedConversations::receipts(self);
            let receipts = receipts
                .into_iter()
                .map(|receipt| (receipt.text, receipt.thread))
                .collect();
            Box::pin(async { receipts })
        }

        fn wanted_form(&self) -> WantedForm {
            WantedForm {
                trigger: "1.2.trigger".into(),
                user: "U0DANA".into(),
                place: Some("C0SUPPORT".into()),
            }
        }

        fn forms(&self) -> BoxFuture<'_, Vec<Option<String>>> {
            let places = ScriptedConversations::forms(self)
                .into_iter()
                .map(|form| form.place)
                .collect();
            Box::pin(async { places })
        }

        fn waiting_step(&self) -> Option<(ExternalId, String)> {
            Some((step(), "ticket_number".into()))
        }

        fn ended_steps(&self) -> BoxFuture<'_, Vec<(ExternalId, StepEnd)>> {
            let ended = ScriptedConversations::ended_steps(self).into_iter().collect();
            Box::pin(async { ended })
        }

        fn fail_next(&self, failure: ConversationsFailure) -> bool {
            let (kind, code) = match failure {
                ConversationsFailure::RateLimited => (PortErrorKind::RateLimited { retry_after: None }, "later"),
                ConversationsFailure::Unauthorized => (PortErrorKind::Unauthorized, "who"),
                ConversationsFailure::Unavailable => (PortErrorKind::Unavailable, "down"),
            };
            ScriptedConversations::fail_next(self, kind, code);
            true
        }

        fn lose_next_receipt(&self) {
            self.lose_next_answer();
        }

        fn secrets(&self) -> Vec<String> {
            vec!["U0ANA".into()]
        }
    }

    fn opening(channel: &str, marker: &str, receipt: &str) -> ThreadOpening {
        ThreadOpening {
            place: ThreadRef::Slack {
                team: "T0".into(),
                channel: channel.into(),
                thread_ts: None,
            },
            person: SecretString::from("U0ANA"),
            receipt: receipt.into(),
            marker: marker.into(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn the_scripted_conversations_keep_the_promises_of_the_port() {
        let suite = conversations::Suite(Box::new(Scripted));
        for check in conversations::CHECKS {
            (check.run)(&suite).await;
        }
    }
}
