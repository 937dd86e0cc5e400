use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::TemplateRef;

/// Whether a template may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateStanding {
    /// It may.
    Approved,
    /// It is under review.
    Pending,
    /// It was refused.
    Rejected,
    /// Paused for a while: people did not like it.
    Paused,
    /// Switched off for good.
    Disabled,
}

/// A template as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageTemplate {
    /// Name and language, exact.
    pub template: TemplateRef,
    /// Whether it may be used.
    pub standing: TemplateStanding,
    /// The body, with `{{1}}`, `{{2}}`, … for its parameters.
    pub body: String,
    /// Whether it wants parameters elsewhere too (a header, a button), which the hub does not fill.
    pub wants_more: bool,
}

/// The templates that a provider has approved for us, or not.
///
/// # What an implementer guarantees
/// - *Whole:* every template of the account, all pages of the provider's list, each language by itself; else an error, never
///   a part of them.
/// - *Bounded*, *silent:* as [`ChannelSender`](super::ChannelSender).
///
/// Prove it with [`testing::conformance::templates`](crate::testing::conformance::templates).
#[async_trait]
pub trait Templates: fmt::Debug + Send + Sync + 'static {
    /// All templates.
    ///
    /// # Errors
    /// `NotSent`, `RateLimited`, `Unavailable`, `Unknown`: nothing is known now. `Unauthorized`: nothing until a person acts.
    async fn templates(&self) -> Result<Vec<MessageTemplate>, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Templates + ?Sized> Templates for $wrapper<T> {
            async fn templates(&self) -> Result<Vec<MessageTemplate>, PortError> {
                (**self).templates().await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
