//! One shape for every failure behind a port.

use std::{error::Error, fmt, time::Duration};

use crate::domain::{Timestamp, error_text};

/// What a failure means for the caller: what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortErrorKind {
    /// The request surely did not happen: name resolution, connect, TLS, an open breaker. Repeating it is safe.
    NotSent,
    /// Too many requests; nothing was done.
    RateLimited {
        /// How long the provider asks to wait, where it says.
        retry_after: Option<Duration>,
    },
    /// The connection itself is broken: token, permission, account. Repeating it helps nobody until a person acts.
    Unauthorized,
    /// Refused for good: repeating it harms our standing.
    Rejected,
    /// What the call was about is not there.
    NotFound,
    /// Somebody else was first; load and decide again.
    Conflict,
    /// The channel does not allow a message to this person now.
    ChannelRestricted,
    /// The other side says that it cannot now (5xx, store down, disk full); nothing was done.
    Unavailable,
    /// Bytes left and no answer came: it may have happened or not.
    Unknown,
    /// The hub itself holds calls to this provider back (it is down, or asked for a pause); nothing left.
    Paused {
        /// When to come again.
        resume_after: Duration,
    },
}

/// A failure behind a port: what it means, what was being done, and the provider's own code. Never a secret and never
/// a customer's text.
#[derive(Debug)]
pub struct PortError {
    kind: PortErrorKind,
    operation: &'static str,
    // Boxed, since a failure travels in every `Result` of a port.
    code: Option<Box<str>>,
    reason: Option<Box<str>>,
    source: Option<Box<dyn Error + Send + Sync>>,
    outage_since: Option<Timestamp>,
    is_narrow: bool,
}

impl PortError {
    /// A failure of `operation`, named `area.verb` as its span is (`slack.send`).
    pub fn new(kind: PortErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            code: None,
            reason: None,
            source: None,
            outage_since: None,
            is_narrow: false,
        }
    }

    /// With the provider's own code (`channel_not_found`, `131047`).
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(error_text(&code.into()).into());
        self
    }

    /// With the provider's own words about the code, or ours. Callers make sure that no customer text is in them.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(error_text(&reason.into()).into());
        self
    }

    /// With the error underneath, for the log at the boundary.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// About this one recipient or request, and not about the connection: others may go on.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.is_narrow = true;
        self
    }

    /// Part of a run of failures that began then.
    #[must_use]
    pub(crate) fn with_outage_since(mut self, since: Timestamp) -> Self {
        self.outage_since = Some(since);
        self
    }

    /// The same failure, with another thing to do about it.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: PortErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// What may be done about it.
    pub fn kind(&self) -> PortErrorKind {
        self.kind
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The provider's own code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The provider's words about it.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// True where it says nothing about the connection.
    pub fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// When the provider's run of failures began that this one is part of, where that is known.
    pub fn outage_since(&self) -> Option<Timestamp> {
        self.outage_since
    }

    /// True where somebody else was first.
    pub fn is_conflict(&self) -> bool {
        self.kind == PortErrorKind::Conflict
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.kind {
            PortErrorKind::NotSent => "could not be reached",
            PortErrorKind::RateLimited { .. } => "was rate limited",
            PortErrorKind::Unauthorized => "is not authorized",
            PortErrorKind::Rejected => "was refused",
            PortErrorKind::NotFound => "found nothing to act on",
            PortErrorKind::Conflict => "lost to a concurrent change",
            PortErrorKind::ChannelRestricted => "is not allowed by the channel now",
            PortErrorKind::Unavailable => "is unavailable",
            PortErrorKind::Unknown => "got no answer",
            PortErrorKind::Paused { .. } => "is held back until the provider answers again",
        };
        write!(f, "{} {meaning}", self.operation)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_reads_alone_and_leaves_its_source_to_the_boundary() {
        let error = PortError::new(PortErrorKind::Rejected, "slack.send")
            .with_code("is_archived")
            .with_reason("the channel is archived")
            .with_source(std::io::Error::other("inner"));
        assert_eq!(
            error.to_string(),
            "slack.send was refused (is_archived): the channel is archived"
        );
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("inner"));
    }
}
