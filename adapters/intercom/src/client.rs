//! Intercom's REST API: one method for each call that is used.

use std::{fmt, time::Duration};

use feedback_core::ports::PortError;
use feedback_http_client::{Answer, BaseUrl, Bearer, Call, ConfigError, FileClient, HttpClient, HttpClientConfig, Url};
use serde::de::DeserializeOwned;

use crate::{
    IntercomConfig,
    error::{Effect, check, unreadable},
    files,
    wire::{Admins, Contact, Conversation, Me, Reply},
};

/// The longest time that ports allow an operation.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The version whose shapes `wire.rs` knows. Without it the version set in the app decides.
const VERSION: &str = "2.14";

/// Intercom, through one workspace's token.
pub struct Intercom {
    http: HttpClient,
    files: FileClient,
    base: BaseUrl,
    token: Bearer,
    admin_id: String,
    timeout: Duration,
}

/// Whom the token belongs to: what a host shows when it checks its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntercomIdentity {
    /// The teammate who made the token. Comments are written as the configured teammate, who may be another.
    pub admin_id: Option<String>,
    /// The workspace, `app_id` in webhooks.
    pub app_id: Option<String>,
    /// Where its data is.
    pub region: Option<String>,
}

impl Intercom {
    /// Checks the configuration. No I/O.
    ///
    /// # Errors
    /// [`ConfigError`] for an address, token, teammate or time limit that cannot be used, and where the process has no TLS
    /// provider.
    pub fn new(config: IntercomConfig) -> Result<Self, ConfigError> {
        if config.timeout.is_zero() || config.timeout > LONGEST_TIMEOUT {
            return Err(ConfigError::Setting {
                name: "timeout",
                problem: "it is not between 0 and 20 s",
            });
        }
        if config.admin_id.is_empty() || !config.admin_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ConfigError::Setting {
                name: "admin_id",
                problem: "it is not a number",
            });
        }
        let base = BaseUrl::parse(&config.base_url)?;
        Ok(Self {
            http: HttpClient::new(HttpClientConfig::default().with_timeout(config.timeout))?,
            files: FileClient::new(files::hosts(&base))?,
            base,
            token: Bearer::new(&config.access_token)?,
            admin_id: config.admin_id,
            timeout: config.timeout,
        })
    }

    /// Asks whose token it is: the first thing to try when a connection is checked.
    ///
    /// # Errors
    /// `Unauthorized` where Intercom does not accept the token; else as any look-up.
    #[tracing::instrument(name = "intercom.me", skip_all)]
    pub async fn me(&self) -> Result<IntercomIdentity, PortError> {
        let me: Me = self.read("intercom.me", self.base.join(&["me"])).await?;
        let (app_id, region) = me.app.map_or((None, None), |app| (app.id_code, app.region));
        Ok(IntercomIdentity {
            admin_id: me.id,
            app_id,
            region,
        })
    }

    /// Whether the configured teammate exists: where not, every comment would be refused.
    ///
    /// # Errors
    /// As any look-up.
    #[tracing::instrument(name = "intercom.admins", skip_all)]
    pub async fn knows_its_teammate(&self) -> Result<bool, PortError> {
        let admins: Admins = self.read("intercom.admins", self.base.join(&["admins"])).await?;
        Ok(admins
            .admins
            .iter()
            .any(|admin| admin.id.as_deref() == Some(self.admin_id.as_str())))
    }

    /// The teammate that comments are written as.
    pub(crate) fn admin_id(&self) -> &str {
        &self.admin_id
    }

    /// Where uploads come from.
    pub(crate) fn files(&self) -> &FileClient {
        &self.files
    }

    /// `POST /conversations/{id}/reply`. It gives the whole conversation.
    pub(crate) async fn reply(&self, conversation: &str, body: &str) -> Result<Conversation, PortError> {
        const OPERATION: &str = "intercom.send";
        let url = self.base.join(&["conversations", conversation, "reply"]);
        let answer = self
            .answer(Call::post(OPERATION, url).json(&Reply::comment(&self.admin_id, body)))
            .await?;
        check(OPERATION, Effect::Sends, &answer)?;
        answer.json().map_err(|_| unreadable(OPERATION, Effect::Sends))
    }

    /// `GET /conversations/{id}`.
    pub(crate) async fn conversation(&self, id: &str) -> Result<Conversation, PortError> {
        self.read("intercom.read_back", self.base.join(&["conversations", id]))
            .await
    }

    /// `GET /contacts/{id}`.
    pub(crate) async fn contact(&self, id: &str) -> Result<Contact, PortError> {
        self.read("intercom.person", self.base.join(&["contacts", id])).await
    }

    async fn read<T: DeserializeOwned>(&self, operation: &'static str, url: Url) -> Result<T, PortError> {
        let answer = self.answer(Call::get(operation, url)).await?;
        check(operation, Effect::Reads, &answer)?;
        answer.json().map_err(|_| unreadable(operation, Effect::Reads))
    }

    async fn answer(&self, call: Call) -> Result<Answer, PortError> {
        let call = call
            .header("accept", "application/json")
            .header("intercom-version", VERSION);
        self.http.call(call.bearer(&self.token)).await
    }
}

impl fmt::Debug for Intercom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intercom")
            .field("base", &self.base)
            .field("admin_id", &self.admin_id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_cannot_work_is_refused_before_any_call() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let config = |admin: &str| IntercomConfig::new("tok-secret".to_owned(), admin);
        assert!(Intercom::new(config("814860")).is_ok());
        assert!(Intercom::new(config("")).is_err());
        assert!(Intercom::new(config("Ana")).is_err());
        assert!(Intercom::new(config("1").with_base_url("http://api.intercom.io")).is_err());
        assert!(Intercom::new(config("1").with_timeout(Duration::from_secs(21))).is_err());
        assert!(!format!("{:?}", Intercom::new(config("1")).unwrap()).contains("secret"));
    }
}
