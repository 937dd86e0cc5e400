//! Slack's Web API: one method for each call that is used.

use std::{fmt, time::Duration};

use feedback_core::{
    domain::Timestamp,
    ports::{FetchLimits, FetchedFile, PortError, PortErrorKind, StepEnd},
};
use feedback_http_client::{
    Answer, BaseUrl, Bearer, Call, ConfigError, Deadline, FileClient, FileHosts, HttpClient, HttpClientConfig,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    SlackConfig,
    error::{Effect, check, unreadable},
    mapping,
    wire::{
        AuthTest, CompleteError, CompleteSuccess, FileInfo, Messages, OpenConversation, OpenView, Opened, PostMessage,
        Posted, User, UserInfo, WholeMessages,
    },
};

/// The longest time that ports allow an operation.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Messages on a page: what Slack recommends at most.
const PAGE_SIZE: &str = "200";

/// Slack, through one app in one workspace.
pub struct Slack {
    http: HttpClient,
    files: FileClient,
    base: BaseUrl,
    token: Bearer,
    timeout: Duration,
}

/// Who the token speaks for: what a host shows when it checks its connections, and how it knows its own messages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlackIdentity {
    /// The workspace's id.
    pub team_id: String,
    /// The workspace's name.
    pub team: String,
    /// The app's user.
    pub user_id: String,
    /// The app's bot.
    pub bot_id: Option<String>,
}

/// Where messages are looked for.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// A thread of a channel.
    Thread { channel: &'a str, root_ts: &'a str },
    /// A channel, or a conversation with one person.
    Channel(&'a str),
}

impl Slack {
    /// Checks the configuration. No I/O.
    ///
    /// # Errors
    /// [`ConfigError`] for an address, token or time limit that cannot be used, and where the process has no TLS provider.
    pub fn new(config: SlackConfig) -> Result<Self, ConfigError> {
        if config.timeout.is_zero() || config.timeout > LONGEST_TIMEOUT {
            return Err(ConfigError::Setting {
                name: "timeout",
                problem: "it is not between 0 and 20 s",
            });
        }
        let base = BaseUrl::parse(&config.base_url)?;
        Ok(Self {
            http: HttpClient::new(HttpClientConfig::default().with_timeout(config.timeout))?,
            files: FileClient::new(file_hosts(&base))?,
            base,
            token: Bearer::new(&config.bot_token)?,
            timeout: config.timeout,
        })
    }

    /// Asks who the token speaks for: the first thing to try when a connection is checked.
    ///
    /// # Errors
    /// `Unauthorized` where Slack does not accept the token; else as any look-up.
    #[tracing::instrument(name = "slack.identity", skip_all)]
    pub async fn identity(&self) -> Result<SlackIdentity, PortError> {
        let call = Call::post("slack.identity", self.method("auth.test"));
        let who: AuthTest = self.read("slack.identity", call, self.deadline()).await?;
        Ok(SlackIdentity {
            team_id: who.team_id,
            team: who.team,
            user_id: who.user_id,
            bot_id: who.bot_id,
        })
    }

    /// The time limit of an operation that begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }

    /// `chat.postMessage`.
    pub(crate) async fn post_message_within<P: Serialize + Sync>(
        &self,
        operation: &'static str,
        message: &PostMessage<'_, P>,
        deadline: Deadline,
    ) -> Result<Posted, PortError> {
        let call = Call::post(operation, self.method("chat.postMessage")).json(message);
        let answer = self.answer(call, deadline).await?;
        check(operation, Effect::Sends, &answer)?;
        answer.json().map_err(|_| unreadable(operation, Effect::Sends))
    }

    /// `conversations.open`: the id of the direct messages with a person. It sends nothing.
    pub(crate) async fn open_direct(
        &self,
        operation: &'static str,
        user: &str,
        deadline: Deadline,
    ) -> Result<String, PortError> {
        let call = Call::post(operation, self.method("conversations.open")).json(&OpenConversation { users: user });
        let opened: Opened = self.read(operation, call, deadline).await?;
        Ok(opened.channel.id)
    }

    /// One page of `conversations.replies` or `conversations.history`, with metadata.
    pub(crate) async fn messages(
        &self,
        operation: &'static str,
        place: Place<'_>,
        oldest: Timestamp,
        cursor: Option<&str>,
        deadline: Deadline,
    ) -> Result<Messages, PortError> {
        let call = match place {
            Place::Thread { channel, root_ts } => Call::get(operation, self.method("conversations.replies"))
                .query("channel", channel)
                .query("ts", root_ts),
            Place::Channel(channel) => {
                Call::get(operation, self.method("conversations.history")).query("channel", channel)
            }
        };
        let call = call
            .query("oldest", &mapping::ts_of(oldest))
            .query("inclusive", "true")
            .query("include_all_metadata", "true")
            .query("limit", PAGE_SIZE);
        let call = match cursor {
            Some(cursor) => call.query("cursor", cursor),
            None => call,
        };
        self.read(operation, call, deadline).await
    }

    /// One message as Slack has it. `conversations.replies` gives a root as well as a single reply by its own `ts`, but in a
    /// direct message or for some apps only the history is readable: it knows roots.
    pub(crate) async fn message_at(
        &self,
        channel: &str,
        ts: &str,
        deadline: Deadline,
    ) -> Result<Option<serde_json::Value>, PortError> {
        const OPERATION: &str = "slack.message";
        for method in ["conversations.history", "conversations.replies"] {
            let call = Call::get(OPERATION, self.method(method))
                .query("channel", channel)
                .query("ts", ts)
                .query("oldest", ts)
                .query("latest", ts)
                .query("inclusive", "true")
                .query("limit", "1");
            let page: WholeMessages = self.read(OPERATION, call, deadline).await?;
            let found = page.messages.into_iter().find(|message| message["ts"] == ts);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// `users.info`.
    pub(crate) async fn user(&self, id: &str) -> Result<User, PortError> {
        let call = Call::get("slack.person", self.method("users.info")).query("user", id);
        let info: UserInfo = self.read("slack.person", call, self.deadline()).await?;
        Ok(info.user)
    }

    /// Which locale somebody chose in Slack, where it says.
    pub(crate) async fn locale_of(&self, id: &str, deadline: Deadline) -> Result<Option<String>, PortError> {
        let call = Call::get("slack.locale", self.method("users.info"))
            .query("user", id)
            .query("include_locale", "true");
        let info: UserInfo = self.read("slack.locale", call, deadline).await?;
        Ok(info.user.locale)
    }

    /// `views.open`: a form, for who has a trigger.
    pub(crate) async fn open_view(
        &self,
        operation: &'static str,
        trigger: &str,
        view: &serde_json::Value,
        deadline: Deadline,
    ) -> Result<(), PortError> {
        let call = Call::post(operation, self.method("views.open")).json(&OpenView {
            trigger_id: trigger,
            view,
        });
        let answer = self.answer(call, deadline).await?;
        check(operation, Effect::Sends, &answer)
    }

    /// `functions.completeSuccess` or `functions.completeError`: the end of a run of our step in somebody's workflow.
    pub(crate) async fn complete_function(&self, execution: &str, end: &StepEnd) -> Result<(), PortError> {
        const OPERATION: &str = "slack.end_step";
        let call = match end {
            StepEnd::Done(outputs) => {
                Call::post(OPERATION, self.method("functions.completeSuccess")).json(&CompleteSuccess {
                    function_execution_id: execution,
                    outputs,
                })
            }
            StepEnd::Failed(reason) => {
                Call::post(OPERATION, self.method("functions.completeError")).json(&CompleteError {
                    function_execution_id: execution,
                    error: reason,
                })
            }
        };
        let answer = self.answer(call, self.deadline()).await?;
        check(OPERATION, Effect::Reads, &answer)
    }

    /// `files.info`: where a file is that a message named by its id alone.
    pub(crate) async fn file_address(&self, operation: &'static str, id: &str) -> Result<String, PortError> {
        let call = Call::get(operation, self.method("files.info")).query("file", id);
        let info: FileInfo = self.read(operation, call, self.deadline()).await?;
        let address = info.file.url_private_download.or(info.file.url_private);
        address.ok_or_else(|| PortError::new(PortErrorKind::NotFound, operation).with_code("no_address"))
    }

    /// The file at one of Slack's private addresses.
    pub(crate) async fn file_at(
        &self,
        operation: &'static str,
        address: &str,
        limits: &FetchLimits,
    ) -> Result<FetchedFile, PortError> {
        self.files.fetch(operation, address, Some(&self.token), limits).await
    }

    fn method(&self, name: &str) -> feedback_http_client::Url {
        self.base.join(&[name])
    }

    async fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        call: Call,
        deadline: Deadline,
    ) -> Result<T, PortError> {
        let answer = self.answer(call, deadline).await?;
        check(operation, Effect::Reads, &answer)?;
        answer.json().map_err(|_| unreadable(operation, Effect::Reads))
    }

    async fn answer(&self, call: Call, deadline: Deadline) -> Result<Answer, PortError> {
        self.http.call(call.bearer(&self.token).timeout(deadline.left())).await
    }
}

/// Files are on one host, which takes the bot's token; a workspace of the government's Slack has them on its own.
fn file_hosts(base: &BaseUrl) -> FileHosts {
    let is_gov = base.join(&[]).host_str() == Some("slack-gov.com");
    let host = if is_gov {
        "files.slack-gov.com"
    } else {
        "files.slack.com"
    };
    FileHosts::new(&[], &[]).with_token_for(host).and_stand_in(base)
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack")
            .field("base", &self.base)
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
        let config = || SlackConfig::new("xoxb-secret".to_owned());
        assert!(Slack::new(config()).is_ok());
        assert!(Slack::new(config().with_base_url("http://slack.com/api")).is_err());
        assert!(Slack::new(config().with_timeout(Duration::from_secs(21))).is_err());
        assert!(Slack::new(config().with_timeout(Duration::ZERO)).is_err());
        assert!(Slack::new(SlackConfig::new(String::new())).is_err());
        assert!(!format!("{:?}", Slack::new(config()).unwrap()).contains("secret"));
    }
}
