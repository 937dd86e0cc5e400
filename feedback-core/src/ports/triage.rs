use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{Inference, Language, ModelUse, Priority, Scrubbed, TicketType};

/// What an AI provider is asked to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct TriageRequest {
    /// The report. Only scrubbed text can leave.
    pub text: Scrubbed,
    /// Its language, where it can be told.
    pub language: Option<Language>,
    /// What the rules read; a hint.
    pub inferred: Inference,
}

/// What an AI provider made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TriageReading {
    /// Kind.
    pub ticket_type: TicketType,
    /// Priority.
    pub priority: Priority,
    /// A sentence or two in the report's language, at most 500 characters.
    pub summary: String,
    /// Who made it, at what cost.
    pub made_by: ModelUse,
}

/// Suggests type and priority. Never more than a suggestion.
///
/// # What an implementer guarantees
/// - *Validated:* `Ok` holds values of the enums and a summary within its limit, whatever the model wrote.
/// - *Data, not orders:* the report's text is delimited in the prompt; nothing in it is followed.
/// - *Repeatable:* calling again costs money, nothing else.
/// - *Bounded:* ends within 60 s. `Rejected` for a refusal or an answer that stays unusable.
/// - *Silent:* no secret and no text in errors, spans or `Debug`.
///
/// Prove it with [`testing::conformance::ai`](crate::testing::conformance::ai).
#[async_trait]
pub trait Triage: fmt::Debug + Send + Sync + 'static {
    /// Reads a report.
    ///
    /// # Errors
    /// `Rejected` (refused, unusable), `RateLimited`, `Unauthorized`, `Unavailable`, `NotSent`, `Unknown`.
    async fn read(&self, request: &TriageRequest) -> Result<TriageReading, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Triage + ?Sized> Triage for $wrapper<T> {
            async fn read(&self, request: &TriageRequest) -> Result<TriageReading, PortError> {
                (**self).read(request).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
