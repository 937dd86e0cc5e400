//! What is wrong with a configuration.

use std::fmt;

/// All that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidConfiguration(pub(super) Vec<String>);

impl fmt::Display for InvalidConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for InvalidConfiguration {}

impl InvalidConfiguration {
    /// One thing that is wrong.
    pub(crate) fn one(problem: &str) -> Self {
        Self(vec![problem.to_owned()])
    }
}
