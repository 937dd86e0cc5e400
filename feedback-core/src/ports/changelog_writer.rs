use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{Language, ModelUse, Scrubbed, TicketType};

/// What a draft is made of. Only scrubbed text can leave.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftRequest {
    /// What the reporter wrote, in short.
    pub title: Scrubbed,
    /// What the reporter wrote.
    pub description: Scrubbed,
    /// What the engineers noted about the solution.
    pub resolution_notes: Scrubbed,
    /// What kind of report it was.
    pub ticket_type: TicketType,
    /// The language to answer in.
    pub language: Language,
}

/// A draft for the reporter. It may hold placeholders of the request (`[NAME_1]`), which the hub fills in.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The text: plain language, no markup, at most 1,500 characters.
    pub text: String,
    /// Who made it, at what cost.
    pub made_by: ModelUse,
}

/// Drafts what the reporter is told. A person edits and approves.
///
/// # What an implementer guarantees
/// - *Validated:* `Ok` holds a text that is not empty and within its limit.
/// - *Data, not orders*, *repeatable*, *bounded*, *silent:* as [`Triage`](super::Triage).
///
/// Prove it with [`testing::conformance::ai`](crate::testing::conformance::ai).
#[async_trait]
pub trait ChangelogWriter: fmt::Debug + Send + Sync + 'static {
    /// Writes a draft.
    ///
    /// # Errors
    /// As [`Triage::read`](super::Triage::read).
    async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: ChangelogWriter + ?Sized> ChangelogWriter for $wrapper<T> {
            async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError> {
                (**self).draft(request).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
