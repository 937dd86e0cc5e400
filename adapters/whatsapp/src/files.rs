//! WhatsApp as a source of files: a media id gives an address for five minutes, and the address wants the token.

use async_trait::async_trait;
use feedback_core::{
    domain::Channel,
    ports::{FetchLimits, FetchedFile, FileSource, PortError, PortErrorKind},
};
use feedback_http_client::{BaseUrl, FileHosts};

use crate::WhatsApp;

const OPERATION: &str = "whatsapp.fetch";

#[async_trait]
impl FileSource for WhatsApp {
    fn channel(&self) -> Channel {
        Channel::WhatsApp
    }

    #[tracing::instrument(name = "whatsapp.fetch", skip_all)]
    async fn fetch(&self, reference: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError> {
        let is_id = !reference.is_empty()
            && reference.len() <= 200
            && reference
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_id {
            return Err(PortError::new(PortErrorKind::Rejected, OPERATION).with_code("bad_reference"));
        }
        let both = async {
            let media = self.media(OPERATION, reference).await?;
            self.file_at(OPERATION, &media.url, limits).await
        };
        tokio::time::timeout(limits.time, both)
            .await
            .unwrap_or_else(|_| Err(PortError::new(PortErrorKind::Unknown, OPERATION).with_code("timeout")))
    }
}

/// Media are on one host of Meta's, whatever the API's own.
pub(crate) fn hosts(base: &BaseUrl) -> FileHosts {
    FileHosts::new(&[], &[])
        .with_token_for("lookaside.fbsbx.com")
        .and_stand_in(base)
}
