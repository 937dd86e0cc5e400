//! Slack as a channel sender.

use std::time::Duration;

use async_trait::async_trait;
use feedback_core::{
    domain::{Channel, OutboundMessage, Route},
    ports::{ChannelSender, PortError, PortErrorKind, ReadBack, Receipt},
};
use feedback_http_client::Deadline;

use crate::{
    Slack,
    client::Place,
    mapping,
    wire::{EVENT_TYPE, Metadata, Payload, PostMessage},
};

/// How far before an attempt its message is looked for: our clock and Slack's may differ, and the marker decides anyway.
pub(crate) const MARGIN: Duration = Duration::from_secs(600);

const READ_BACK: &str = "slack.read_back";

/// More pages than this since an attempt began, and somebody should look.
pub(crate) const MAX_PAGES: usize = 50;

/// A route, checked: where to post.
#[derive(Clone, Copy)]
enum Target<'a> {
    Thread {
        team: &'a str,
        channel: &'a str,
        root_ts: &'a str,
    },
    Direct {
        team: &'a str,
        user: &'a str,
    },
}

impl<'a> Target<'a> {
    fn of(route: &'a Route, operation: &'static str) -> Result<Self, PortError> {
        let refused = |code| PortError::new(PortErrorKind::Rejected, operation).with_code(code);
        match route {
            Route::SlackThread {
                team,
                channel,
                thread_ts,
            } => {
                if !mapping::is_id(channel) || !mapping::is_ts(thread_ts) {
                    return Err(refused("invalid_thread"));
                }
                Ok(Self::Thread {
                    team,
                    channel,
                    root_ts: thread_ts,
                })
            }
            Route::SlackDirect { team, user } => {
                if !mapping::is_id(user) {
                    return Err(refused("invalid_user"));
                }
                Ok(Self::Direct { team, user })
            }
            _ => Err(refused("foreign_route")),
        }
    }

    fn team(&self) -> &'a str {
        match self {
            Self::Thread { team, .. } | Self::Direct { team, .. } => team,
        }
    }
}

#[async_trait]
impl ChannelSender for Slack {
    fn channel(&self) -> Channel {
        Channel::Slack
    }

    #[tracing::instrument(name = "slack.send", skip_all, fields(mode = message.route.sent_as()))]
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
        let target = Target::of(&message.route, "slack.send")?;
        let text = mapping::escaped(message.approved.text());
        if text.chars().count() > mapping::MAX_TEXT_CHARS {
            return Err(PortError::new(PortErrorKind::Rejected, "slack.send")
                .with_code("msg_too_long")
                .with_reason("over 4,000 characters, escapes counted"));
        }
        // A user's id in place of a channel's means the direct messages with them.
        let (channel, thread_ts) = match target {
            Target::Thread { channel, root_ts, .. } => (channel, Some(root_ts)),
            Target::Direct { user, .. } => (user, None),
        };
        let metadata = Metadata {
            event_type: EVENT_TYPE,
            event_payload: Payload {
                marker: message.marker.as_str(),
            },
        };
        let posted = self
            .post_message_within(
                "slack.send",
                &PostMessage::plain(channel, thread_ts, &text, metadata),
                self.deadline(),
            )
            .await?;
        let stands_in = posted.message.as_ref().and_then(|message| message.thread_ts.as_deref());
        if posted.message.is_some() && stands_in != thread_ts {
            tracing::warn!("Slack posted a reply outside its thread, which does not exist any more.");
        }
        Ok(mapping::receipt(target.team(), &posted.channel, &posted.ts))
    }

    #[tracing::instrument(name = "slack.read_back", skip_all, fields(mode = message.route.sent_as()))]
    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
        let target = Target::of(&message.route, "slack.read_back")?;
        let deadline = self.deadline();
        match target {
            Target::Thread { channel, root_ts, .. } => {
                match self
                    .look(target, channel, Place::Thread { channel, root_ts }, message, deadline)
                    .await
                {
                    // Where the root is gone, or was none, Slack posts to the channel itself.
                    Ok(ReadBack::Absent) => {}
                    Err(error) if error.code() == Some("thread_not_found") => {}
                    result => return result,
                }
                self.look(target, channel, Place::Channel(channel), message, deadline)
                    .await
            }
            Target::Direct { user, .. } => {
                let channel = self.open_direct(READ_BACK, user, deadline).await?;
                self.look(target, &channel, Place::Channel(&channel), message, deadline)
                    .await
            }
        }
    }
}

impl Slack {
    async fn look(
        &self,
        target: Target<'_>,
        channel: &str,
        place: Place<'_>,
        message: &OutboundMessage,
        deadline: Deadline,
    ) -> Result<ReadBack, PortError> {
        let oldest = message.started_at.minus(MARGIN);
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .messages(READ_BACK, place, oldest, cursor.as_deref(), deadline)
                .await?;
            if let Some(ts) = mapping::find(&page.messages, &message.marker) {
                return Ok(ReadBack::Found(mapping::receipt(target.team(), channel, ts)));
            }
            match page.next_cursor() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(ReadBack::Absent),
            }
        }
        // "Absent" would be a guess, and the message would go out again.
        Err(PortError::new(PortErrorKind::Unavailable, "slack.read_back").with_code("too_many_messages"))
    }
}
