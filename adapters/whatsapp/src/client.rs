//! The Graph API: one method for each call that is used.

use std::{fmt, time::Duration};

use feedback_core::ports::{FetchLimits, FetchedFile, PortError, PortErrorKind};
use feedback_http_client::{Answer, BaseUrl, Bearer, Call, ConfigError, FileClient, HttpClient, HttpClientConfig};

use crate::{
    WhatsAppConfig,
    error::{check, unreadable},
    files,
    wire::{Accepted, Media, Message, Number, TemplatePage},
};

/// The longest time that ports allow an operation.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(20);

/// WhatsApp, through one token and its numbers.
pub struct WhatsApp {
    http: HttpClient,
    files: FileClient,
    base: BaseUrl,
    token: Bearer,
    version: String,
    phone_number_ids: Vec<String>,
    business_account_id: Option<String>,
    timeout: Duration,
}

/// One of our numbers: what a host shows when it checks its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneNumber {
    /// As people see it.
    pub display_phone_number: Option<String>,
    /// The name that Meta verified.
    pub verified_name: Option<String>,
    /// `GREEN`, `YELLOW` or `RED`: how people receive its messages.
    pub quality_rating: Option<String>,
}

impl WhatsApp {
    /// Checks the configuration. No I/O.
    ///
    /// # Errors
    /// [`ConfigError`] for an address, token, version, number or time limit that cannot be used, and where the process has no
    /// TLS provider.
    pub fn new(config: WhatsAppConfig) -> Result<Self, ConfigError> {
        let wrong = |name, problem| Err(ConfigError::Setting { name, problem });
        if config.timeout.is_zero() || config.timeout > LONGEST_TIMEOUT {
            return wrong("timeout", "it is not between 0 and 20 s");
        }
        if !is_version(&config.version) {
            return wrong("version", "it is not of the form v23.0");
        }
        let is_id = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if config.business_account_id.as_ref().is_some_and(|id| !is_id(id)) {
            return wrong("business_account_id", "it is not a number");
        }
        if config.phone_number_ids.is_empty() || !config.phone_number_ids.iter().all(is_id) {
            return wrong("phone_number_ids", "there is none, or one is not a number");
        }
        let base = BaseUrl::parse(&config.base_url)?;
        Ok(Self {
            http: HttpClient::new(HttpClientConfig::default().with_timeout(config.timeout))?,
            files: FileClient::new(files::hosts(&base))?,
            base,
            token: Bearer::new(&config.access_token)?,
            version: config.version,
            phone_number_ids: config.phone_number_ids,
            business_account_id: config.business_account_id,
            timeout: config.timeout,
        })
    }

    /// The ids of the numbers that it sends from.
    pub fn phone_number_ids(&self) -> &[String] {
        &self.phone_number_ids
    }

    /// Asks what Meta knows of one of our numbers: the first thing to try when a connection is checked.
    ///
    /// # Errors
    /// `Unauthorized` where the token is not accepted or the number is another account's; `Unavailable`, `NotSent` or
    /// `Unknown` where Meta could not be asked.
    #[tracing::instrument(name = "whatsapp.phone_number", skip_all)]
    pub async fn phone_number(&self, phone_number_id: &str) -> Result<PhoneNumber, PortError> {
        const OPERATION: &str = "whatsapp.phone_number";
        let url = self.base.join(&[&self.version, phone_number_id]);
        let call = Call::get(OPERATION, url).query("fields", "display_phone_number,verified_name,quality_rating");
        let answer = self.http.call(call.bearer(&self.token)).await?;
        check(OPERATION, &answer)?;
        let number: Number = answer
            .json()
            .map_err(|_| PortError::new(PortErrorKind::Unavailable, OPERATION).with_code("unreadable_answer"))?;
        Ok(PhoneNumber {
            display_phone_number: number.display_phone_number,
            verified_name: number.verified_name,
            quality_rating: number.quality_rating,
        })
    }

    /// `GET /{media_id}`: where a file is for the next five minutes.
    pub(crate) async fn media(&self, operation: &'static str, id: &str) -> Result<Media, PortError> {
        let url = self.base.join(&[&self.version, id]);
        let answer = self.http.call(Call::get(operation, url).bearer(&self.token)).await?;
        check(operation, &answer).map_err(|error| match error.code() {
            // Meta says the same of a number that is not ours and of a file that is gone; this was asked for a file.
            Some("100" | "131052") => PortError::new(PortErrorKind::NotFound, operation).with_code("gone"),
            _ => error,
        })?;
        answer
            .json()
            .map_err(|_| PortError::new(PortErrorKind::Unavailable, operation).with_code("unreadable_answer"))
    }

    /// The file at an address that [`media`](Self::media) gave.
    pub(crate) async fn file_at(
        &self,
        operation: &'static str,
        address: &str,
        limits: &FetchLimits,
    ) -> Result<FetchedFile, PortError> {
        self.files.fetch(operation, address, Some(&self.token), limits).await
    }

    /// Whether it was told its business account, so that it can be asked for templates.
    pub fn knows_templates(&self) -> bool {
        self.business_account_id.is_some()
    }

    /// `GET /{business_account_id}/message_templates`: one page of the account's templates, behind a cursor.
    pub(crate) async fn template_page(&self, after: Option<&str>) -> Result<TemplatePage, PortError> {
        const OPERATION: &str = "whatsapp.templates";
        let Some(account) = &self.business_account_id else {
            return Err(PortError::new(PortErrorKind::NotFound, OPERATION).with_code("no_business_account"));
        };
        let url = self.base.join(&[&self.version, account, "message_templates"]);
        let mut call = Call::get(OPERATION, url)
            .query("fields", "name,language,status,components")
            .query("limit", "100");
        if let Some(after) = after {
            call = call.query("after", after);
        }
        let answer = self.http.call(call.bearer(&self.token)).await?;
        check(OPERATION, &answer)?;
        answer
            .json()
            .map_err(|_| PortError::new(PortErrorKind::Unavailable, OPERATION).with_code("unreadable_answer"))
    }

    /// `POST /{phone_number_id}/messages`: the id of the accepted message.
    pub(crate) async fn send_message(&self, phone_number_id: &str, message: &Message<'_>) -> Result<String, PortError> {
        const OPERATION: &str = "whatsapp.send";
        if !self.phone_number_ids.iter().any(|id| id == phone_number_id) {
            return Err(PortError::new(PortErrorKind::Rejected, OPERATION).with_code("foreign_number"));
        }
        let url = self.base.join(&[&self.version, phone_number_id, "messages"]);
        let answer = self
            .http
            .call(Call::post(OPERATION, url).bearer(&self.token).json(message))
            .await?;
        check(OPERATION, &answer)?;
        accepted_id(&answer).ok_or_else(|| unreadable(OPERATION))
    }
}

impl fmt::Debug for WhatsApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhatsApp")
            .field("base", &self.base)
            .field("version", &self.version)
            .field("phone_number_ids", &self.phone_number_ids)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn accepted_id(answer: &Answer) -> Option<String> {
    let accepted: Accepted = answer.json().ok()?;
    accepted
        .messages
        .into_iter()
        .next()
        .map(|message| message.id)
        .filter(|id| !id.is_empty())
}

fn is_version(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(major, minor)| number(major) && number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_cannot_work_is_refused_before_any_call() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let config = |id: &str| WhatsAppConfig::new("EAA-secret".to_owned(), [id]);
        assert!(WhatsApp::new(config("106540352242922")).is_ok());
        assert!(WhatsApp::new(config("")).is_err());
        assert!(WhatsApp::new(config("1/2")).is_err());
        assert!(WhatsApp::new(WhatsAppConfig::new("EAA".to_owned(), Vec::<String>::new())).is_err());
        for version in ["23.0", "v23", "v23.0/..", "v.0", ""] {
            assert!(WhatsApp::new(config("1").with_version(version)).is_err(), "{version}");
        }
        assert!(WhatsApp::new(config("1").with_base_url("http://graph.facebook.com")).is_err());
        assert!(WhatsApp::new(config("1").with_timeout(Duration::from_secs(21))).is_err());
        assert!(!format!("{:?}", WhatsApp::new(config("1")).unwrap()).contains("secret"));
    }
}
