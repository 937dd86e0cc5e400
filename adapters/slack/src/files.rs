//! Slack as a source of files: private addresses that want the bot's token, and ids of files whose address is asked for first.

use async_trait::async_trait;
use feedback_core::{
    domain::Channel,
    ports::{FetchLimits, FetchedFile, FileSource, PortError, PortErrorKind},
};

use crate::Slack;

const OPERATION: &str = "slack.fetch";

#[async_trait]
impl FileSource for Slack {
    fn channel(&self) -> Channel {
        Channel::Slack
    }

    #[tracing::instrument(name = "slack.fetch", skip_all)]
    async fn fetch(&self, reference: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError> {
        if !is_file_id(reference) {
            return self.file_at(OPERATION, reference, limits).await;
        }
        // A file of another workspace comes as an id: its address is not in the message.
        let both = async {
            let address = self.file_address(OPERATION, reference).await?;
            self.file_at(OPERATION, &address, limits).await
        };
        tokio::time::timeout(limits.time, both)
            .await
            .unwrap_or_else(|_| Err(PortError::new(PortErrorKind::Unknown, OPERATION).with_code("timeout")))
    }
}

fn is_file_id(reference: &str) -> bool {
    reference.starts_with('F')
        && reference
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_an_address() {
        assert!(is_file_id("F0ABC123"));
        for other in [
            "https://files.slack.com/files-pri/T1-F1/a.png",
            "f0abc",
            "F0/../x",
            "",
            "U0ABC",
        ] {
            assert!(!is_file_id(other), "{other}");
        }
    }
}
