//! What Slack posts to an app.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{FORM, SignedRequest, Webhook, WebhookSecrets};
use crate::Provider;

/// A person's message in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackReport {
    /// The workspace.
    pub team_id: String,
    /// The receiving app.
    pub app_id: String,
    /// The app's user, named in `authorizations`.
    pub bot_user_id: String,
    /// `Ev…`, equal for all attempts.
    pub event_id: String,
    /// Where it was written.
    pub channel: String,
    /// Who wrote it.
    pub user: String,
    /// As the person typed it; `&`, `<` and `>` are escaped on the way.
    pub text: String,
    /// The message's identity within the channel.
    pub ts: String,
    /// The thread's root, for a reply.
    pub thread_ts: Option<String>,
    /// A UUID made by the person's client.
    pub client_msg_id: String,
}

impl SlackReport {
    fn event(&self) -> Value {
        let mut event = json!({
            "type": "message",
            "channel": self.channel,
            "channel_type": if self.channel.starts_with('D') { "im" } else { "channel" },
            "user": self.user,
            "team": self.team_id,
            "client_msg_id": self.client_msg_id,
            "text": escape(&self.text),
            "ts": self.ts,
            "event_ts": self.ts,
            "blocks": [],
        });
        if let Some(thread_ts) = &self.thread_ts {
            event["thread_ts"] = json!(thread_ts);
        }
        event
    }

    pub(crate) fn webhook(&self) -> Webhook {
        self.webhook_of(self.event())
    }

    /// The same message with files, as Slack describes them.
    pub(crate) fn webhook_with_files(&self, files: &[Value]) -> Webhook {
        let mut event = self.event();
        event["subtype"] = json!("file_share");
        event["upload"] = json!(false);
        event["files"] = json!(files);
        self.webhook_of(event)
    }

    fn webhook_of(&self, event: Value) -> Webhook {
        let app = App {
            team_id: &self.team_id,
            app_id: &self.app_id,
            bot_user_id: &self.bot_user_id,
        };
        envelope(app, &self.event_id, seconds_of(&self.ts), event)
    }
}

/// The only three characters that Slack escapes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn seconds_of(ts: &str) -> i64 {
    ts.split('.')
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(0)
}

/// Who an event is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct App<'a> {
    pub(crate) team_id: &'a str,
    pub(crate) app_id: &'a str,
    pub(crate) bot_user_id: &'a str,
}

pub(crate) fn envelope(app: App<'_>, event_id: &str, event_time: i64, event: Value) -> Webhook {
    let body = json!({
        "token": "deprecated",
        "team_id": app.team_id,
        "api_app_id": app.app_id,
        "context_team_id": app.team_id,
        "context_enterprise_id": null,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": [{
            "enterprise_id": null, "team_id": app.team_id, "user_id": app.bot_user_id, "is_bot": true, "is_enterprise_install": false,
        }],
        "is_ext_shared_channel": false,
        "event_context": format!("4-{event_id}"),
        "event": event,
    });
    Webhook::json(Provider::Slack, &body)
}

/// A `message` event in its `event_callback` envelope.
pub fn slack_message(report: &SlackReport, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    report.webhook().sign(secrets, now)
}

/// Any other body that Slack posts as JSON: an edit, a bot's message, `app_rate_limited`, or one that no one expects.
pub fn slack_event(body: &Value, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    Webhook::json(Provider::Slack, body).sign(secrets, now)
}

/// The challenge that Slack sends once, when the URL is saved.
pub fn slack_url_verification(challenge: &str, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    slack_event(
        &json!({"type": "url_verification", "token": "deprecated", "challenge": challenge}),
        secrets,
        now,
    )
}

/// A slash command. There is no message and no `ts`: only `trigger_id` is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashCommand {
    /// The workspace.
    pub team_id: String,
    /// The receiving app.
    pub app_id: String,
    /// Where it was typed.
    pub channel_id: String,
    /// That channel's name.
    pub channel_name: String,
    /// Who typed it.
    pub user_id: String,
    /// The person's handle.
    pub user_name: String,
    /// With the slash.
    pub command: String,
    /// What followed the command.
    pub text: String,
    /// Where up to five answers within 30 minutes may go.
    pub response_url: String,
    /// Unique to this invocation.
    pub trigger_id: String,
}

impl SlashCommand {
    pub(crate) fn webhook(&self) -> Webhook {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", "deprecated")
            .append_pair("team_id", &self.team_id)
            .append_pair("team_domain", "sandbox")
            .append_pair("channel_id", &self.channel_id)
            .append_pair("channel_name", &self.channel_name)
            .append_pair("user_id", &self.user_id)
            .append_pair("user_name", &self.user_name)
            .append_pair("command", &self.command)
            .append_pair("text", &self.text)
            .append_pair("api_app_id", &self.app_id)
            .append_pair("is_enterprise_install", "false")
            .append_pair("response_url", &self.response_url)
            .append_pair("trigger_id", &self.trigger_id)
            .finish();
        Webhook {
            provider: Provider::Slack,
            content_type: FORM,
            body: body.into(),
        }
    }
}

/// A slash command, form-encoded.
pub fn slack_command(command: &SlashCommand, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    command.webhook().sign(secrets, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> SlackReport {
        SlackReport {
            team_id: "T1".into(),
            app_id: "A1".into(),
            bot_user_id: "UB".into(),
            event_id: "Ev1".into(),
            channel: "C1".into(),
            user: "U1".into(),
            text: "a < b & c ñ".into(),
            ts: "1767225600.123459".into(),
            thread_ts: None,
            client_msg_id: "5f0d0c1e-0000-4000-8000-000000000001".into(),
        }
    }

    #[test]
    fn a_message_is_escaped_and_keeps_its_ts_as_text() {
        let secrets = WebhookSecrets {
            slack_signing_secret: "s".into(),
            ..Default::default()
        };
        let now = DateTime::from_timestamp(1_767_225_601, 0).unwrap();
        let request = slack_message(&report(), &secrets, now);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["event"]["text"], "a &lt; b &amp; c ñ");
        assert_eq!(body["event"]["ts"], "1767225600.123459");
        assert_eq!(body["event_time"], 1_767_225_600);
        assert!(body["event"].get("thread_ts").is_none());
        assert_eq!(request.path, "/webhooks/slack");
        assert_eq!(request.header("x-slack-request-timestamp"), Some("1767225601"));
        let expected = super::super::signature::slack("s", 1_767_225_601, &request.body);
        assert_eq!(request.header("X-Slack-Signature"), Some(expected.as_str()));
    }

    #[test]
    fn a_slash_command_is_a_form() {
        let command = SlashCommand {
            team_id: "T1".into(),
            app_id: "A1".into(),
            channel_id: "C1".into(),
            channel_name: "soporte".into(),
            user_id: "U1".into(),
            user_name: "dana.o".into(),
            command: "/feedback".into(),
            text: "no imprime más & tarda".into(),
            response_url: "http://127.0.0.1:1/commands/T1/1/x".into(),
            trigger_id: "1.2.demo".into(),
        };
        let request = slack_command(&command, &WebhookSecrets::default(), DateTime::UNIX_EPOCH);
        assert_eq!(
            request.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(text.contains("command=%2Ffeedback&text=no+imprime+m%C3%A1s+%26+tarda&"));
    }
}
