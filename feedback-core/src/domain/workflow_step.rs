//! A step of a provider's workflow that waits for the hub's word.

use serde::{Deserialize, Serialize};

use super::{Channel, ExternalId};

/// A step that hands a report over and goes no further until it is told that the report is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingStep {
    /// Channel.
    pub channel: Channel,
    /// The provider's id of this run of the step.
    pub execution: ExternalId,
    /// What later steps want to know, of what the hub can tell: the ticket's number, under the name that the step gives it.
    pub wants: Vec<StepOutput>,
}

/// A place for the ticket's number among the outputs of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutput {
    /// Its name.
    pub name: String,
    /// How the step declares it.
    pub kind: StepOutputKind,
}

/// How a step declares an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutputKind {
    /// As text.
    Text,
    /// As a number.
    Number,
}
