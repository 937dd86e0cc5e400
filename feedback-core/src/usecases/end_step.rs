//! Tells a workflow that handed a report over how its step ended, so that it goes on.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use crate::{
    domain::{Channel, StepOutputKind, TicketId, TicketNumber, WaitingStep},
    ports::{Conversations, PortError, PortErrorKind, StepEnd, Storage, TicketKey},
};

/// What a workflow is told whose form held nothing to read.
const NO_WORDS: &str = "The form held no words, so no ticket was made.";

/// Ends steps of workflows.
#[derive(Debug, Clone)]
pub struct EndStep {
    storage: Arc<dyn Storage>,
    conversations: Arc<HashMap<Channel, Arc<dyn Conversations>>>,
}

/// Why a workflow was not told.
#[derive(Debug, thiserror::Error)]
pub enum EndStepError {
    /// The channel failed.
    #[error("could not end the workflow's step")]
    Channel(#[source] PortError),
    /// Storage failed.
    #[error("could not load the ticket of a workflow's step")]
    Storage(#[source] PortError),
}

impl EndStep {
    /// The use case over its ports; one for each channel.
    pub fn new(storage: Arc<dyn Storage>, conversations: impl IntoIterator<Item = Arc<dyn Conversations>>) -> Self {
        let conversations = conversations.into_iter().map(|port| (port.channel(), port)).collect();
        Self {
            storage,
            conversations: Arc::new(conversations),
        }
    }

    /// Tells the workflow that its report is recorded, with the ticket's number where the step has a place for it; or that it
    /// held none.
    ///
    /// # Errors
    /// [`EndStepError`]; the workflow may have been told, and telling it again changes nothing.
    #[tracing::instrument(name = "end_step.end", skip_all, fields(channel = %step.channel))]
    pub async fn end(&self, step: &WaitingStep, ticket: Option<TicketId>) -> Result<(), EndStepError> {
        let Some(port) = self.conversations.get(&step.channel) else {
            return Ok(());
        };
        let end = match ticket {
            None => StepEnd::Failed(NO_WORDS.to_owned()),
            Some(id) => {
                let ticket = self.storage.ticket(TicketKey::Id(id)).await;
                // An erased ticket was recorded all the same; nobody is told its number any more.
                let number = ticket.map_err(EndStepError::Storage)?.map(|ticket| ticket.number);
                StepEnd::Done(outputs(step, number))
            }
        };
        match port.end_step(&step.execution, &end).await {
            Err(error) if error.kind() == PortErrorKind::Rejected && matches!(end, StepEnd::Done(_)) => {
                // The step wants outputs that the hub does not have. Left alone, its workflow would hang for good.
                tracing::warn!(code = error.code(), "a workflow's step does not take the hub's outputs");
                let failed = StepEnd::Failed(
                    "The report was recorded, but the step wants outputs that we do not give.".to_owned(),
                );
                port.end_step(&step.execution, &failed)
                    .await
                    .map_err(EndStepError::Channel)
            }
            other => other.map_err(EndStepError::Channel),
        }
    }
}

fn outputs(step: &WaitingStep, number: Option<TicketNumber>) -> Map<String, Value> {
    let Some(number) = number else { return Map::new() };
    let wanted = step.wants.iter().map(|output| {
        let value = match output.kind {
            StepOutputKind::Text => json!(number.value().to_string()),
            StepOutputKind::Number => json!(number.value()),
        };
        (output.name.clone(), value)
    });
    wanted.collect()
}
