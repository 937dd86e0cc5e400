//! Slack's shapes, as far as they are used.

use serde::{Deserialize, Serialize};

/// `metadata.event_type` of our messages.
pub(crate) const EVENT_TYPE: &str = "feedback_hub_notification";

/// `metadata.event_type` of the receipts that begin our threads.
pub(crate) const RECEIPT_TYPE: &str = "feedback_hub_receipt";

/// Arguments of `chat.postMessage`.
#[derive(Serialize)]
pub(crate) struct PostMessage<'a, P> {
    pub(crate) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thread_ts: Option<&'a str>,
    pub(crate) text: &'a str,
    pub(crate) metadata: Metadata<P>,
    pub(crate) mrkdwn: bool,
    pub(crate) parse: &'static str,
    pub(crate) link_names: bool,
    pub(crate) unfurl_links: bool,
    pub(crate) unfurl_media: bool,
}

impl<'a, P> PostMessage<'a, P> {
    /// A message as plain text: nothing in it formats, links or notifies.
    pub(crate) fn plain(channel: &'a str, thread_ts: Option<&'a str>, text: &'a str, metadata: Metadata<P>) -> Self {
        Self {
            channel,
            thread_ts,
            text,
            metadata,
            mrkdwn: false,
            parse: "none",
            link_names: false,
            unfurl_links: false,
            unfurl_media: false,
        }
    }
}

/// What travels beside a message.
#[derive(Serialize)]
pub(crate) struct Metadata<P> {
    pub(crate) event_type: &'static str,
    pub(crate) event_payload: P,
}

/// What a receipt is found by.
#[derive(Serialize)]
pub(crate) struct ReceiptPayload<'a> {
    pub(crate) receipt: &'a str,
}

/// Our part of it.
#[derive(Serialize)]
pub(crate) struct Payload<'a> {
    pub(crate) marker: &'a str,
}

/// Arguments of `conversations.open`.
#[derive(Serialize)]
pub(crate) struct OpenConversation<'a> {
    pub(crate) users: &'a str,
}

/// What every answer says first. Errors come with HTTP 200.
#[derive(Deserialize)]
pub(crate) struct Verdict {
    pub(crate) ok: bool,
    pub(crate) error: Option<String>,
    pub(crate) needed: Option<String>,
}

/// The answer of `chat.postMessage`.
#[derive(Deserialize)]
pub(crate) struct Posted {
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) message: Option<PostedMessage>,
}

/// The message as Slack keeps it.
#[derive(Deserialize)]
pub(crate) struct PostedMessage {
    pub(crate) thread_ts: Option<String>,
}

/// The answer of `conversations.open`.
#[derive(Deserialize)]
pub(crate) struct Opened {
    pub(crate) channel: OpenedChannel,
}

/// The conversation that was opened.
#[derive(Deserialize)]
pub(crate) struct OpenedChannel {
    pub(crate) id: String,
}

/// A page of `conversations.history` or `conversations.replies`.
#[derive(Deserialize)]
pub(crate) struct Messages {
    #[serde(default)]
    pub(crate) messages: Vec<Message>,
    pub(crate) response_metadata: Option<ResponseMetadata>,
}

impl Messages {
    /// Where the next page begins; an empty cursor is none.
    pub(crate) fn next_cursor(&self) -> Option<&str> {
        let cursor = self.response_metadata.as_ref()?.next_cursor.as_deref()?;
        (!cursor.is_empty()).then_some(cursor)
    }
}

/// A page of messages as Slack has them.
#[derive(Deserialize)]
pub(crate) struct WholeMessages {
    #[serde(default)]
    pub(crate) messages: Vec<serde_json::Value>,
}

/// Where a list goes on.
#[derive(Deserialize)]
pub(crate) struct ResponseMetadata {
    pub(crate) next_cursor: Option<String>,
}

/// A message as it is read back: only what finds ours. Anything may stand in foreign metadata.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) ts: Option<String>,
    pub(crate) metadata: Option<serde_json::Value>,
}

/// The answer of `users.info`.
#[derive(Deserialize)]
pub(crate) struct UserInfo {
    pub(crate) user: User,
}

/// A user.
#[derive(Deserialize)]
pub(crate) struct User {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) real_name: Option<String>,
    #[serde(default)]
    pub(crate) is_bot: bool,
    #[serde(default)]
    pub(crate) is_app_user: bool,
    #[serde(default)]
    pub(crate) is_stranger: bool,
    pub(crate) is_email_confirmed: Option<bool>,
    pub(crate) locale: Option<String>,
    #[serde(default)]
    pub(crate) profile: Profile,
}

/// What a user says of themselves.
#[derive(Default, Deserialize)]
pub(crate) struct Profile {
    pub(crate) email: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) real_name: Option<String>,
}

/// The answer of `auth.test`.
#[derive(Deserialize)]
pub(crate) struct AuthTest {
    pub(crate) team_id: String,
    #[serde(default)]
    pub(crate) team: String,
    pub(crate) user_id: String,
    pub(crate) bot_id: Option<String>,
}

/// The answer of `files.info`.
#[derive(Deserialize)]
pub(crate) struct FileInfo {
    pub(crate) file: File,
}

/// Where a file is.
#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) url_private_download: Option<String>,
    pub(crate) url_private: Option<String>,
}

/// `views.open`.
#[derive(Serialize)]
pub(crate) struct OpenView<'a> {
    pub(crate) trigger_id: &'a str,
    pub(crate) view: &'a serde_json::Value,
}

/// `functions.completeSuccess`. The outputs are demanded also where there are none.
#[derive(Serialize)]
pub(crate) struct CompleteSuccess<'a> {
    pub(crate) function_execution_id: &'a str,
    pub(crate) outputs: &'a serde_json::Map<String, serde_json::Value>,
}

/// `functions.completeError`.
#[derive(Serialize)]
pub(crate) struct CompleteError<'a> {
    pub(crate) function_execution_id: &'a str,
    pub(crate) error: &'a str,
}
