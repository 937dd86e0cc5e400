/// Why a configuration cannot be used. The address is not told: it may have a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    /// Which field of the configuration.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Why NATS could not be used. Jobs are found in the database meanwhile.
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not {action}: {why}")]
pub struct LinkError {
    action: &'static str,
    why: String,
}

impl LinkError {
    /// The kind of the client's error, without its source: that may name servers and files.
    pub(crate) fn new(action: &'static str, kind: impl std::fmt::Display) -> Self {
        Self {
            action,
            why: kind.to_string(),
        }
    }
}
