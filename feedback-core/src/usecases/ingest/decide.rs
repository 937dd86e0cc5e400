//! Pure: what a message means for the tickets that are there.

use std::time::Duration;

use crate::{
    domain::{Channel, Ticket, TicketId, TicketStatus, Timestamp},
    logic::{
        normalize::MessageRole,
        opt_out::{ContactWish, contact_wish},
        reply::{ReplyKind, ReplyReading, read_reply},
    },
};

/// What is known about a message before it is decided.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    /// What the provider's payload says it is.
    pub(super) role: MessageRole,
    /// Channel.
    pub(super) channel: Channel,
    /// When the person wrote.
    pub(super) sent_at: Timestamp,
    /// The message's plain text.
    pub(super) text: &'a str,
    /// The ticket and digest that the same channel and external id already have.
    pub(super) recorded: Option<(TicketId, &'a str)>,
    /// Digest of this message.
    pub(super) digest: &'a str,
    /// The ticket of the message that it says it answers.
    pub(super) answered: Option<&'a Ticket>,
    /// The ticket of the last message in the same thread.
    pub(super) in_thread: Option<&'a Ticket>,
    /// The ticket of the last message of the same person, and when that was sent.
    pub(super) last_of_author: Option<(&'a Ticket, Timestamp)>,
}

/// What to do with a message, and how it was read where it answers a resolution.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decision {
    /// What to do.
    pub(super) plan: Plan,
    /// Why, where its words decided.
    pub(super) reading: Option<ReplyReading>,
}

impl From<Plan> for Decision {
    fn from(plan: Plan) -> Self {
        Self { plan, reading: None }
    }
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// The same message again: nothing.
    Repeat(TicketId),
    /// Another text under the same id: the first stands, and the timeline says so.
    Conflicting(TicketId),
    /// A further message of a ticket.
    FollowUp(TicketId, FollowUp),
    /// A new ticket; `related` is the one that the message answers beside its topic.
    NewTicket {
        /// The resolved ticket in whose thread a new topic came up.
        related: Option<TicketId>,
    },
    /// Nothing but a wish about being written to, from somebody who has no ticket to add it to.
    Wish(ContactWish),
    /// None of ours.
    Ignore(&'static str),
}

/// What a further message does to its ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FollowUp {
    /// It is added.
    Add,
    /// It is added: thanks for the solution.
    Thanks,
    /// It is added: a question about the solution, which somebody should answer.
    Question,
    /// It is added, and the ticket reopens.
    Reopen,
    /// It is added: the author changed an earlier message.
    Edit,
    /// It is added, and decides whether its author is written to.
    Wish(ContactWish),
}

/// How long after its resolution a chat message without a thread can be about a ticket.
const ANSWER_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(super) fn decide(facts: &Facts<'_>, burst: Duration) -> Decision {
    if let Some((ticket, digest)) = facts.recorded {
        return if digest == facts.digest {
            Plan::Repeat(ticket).into()
        } else {
            Plan::Conflicting(ticket).into()
        };
    }
    if facts.role == MessageRole::Report {
        return Plan::NewTicket { related: None }.into();
    }
    // What a message names itself says more than where or when it was written.
    let continued = facts.answered.or(facts.in_thread);
    if let Some(wish) = contact_wish(facts.text) {
        let ticket = continued.or(facts.last_of_author.map(|(ticket, _)| ticket));
        let added = |ticket: &Ticket| Plan::FollowUp(ticket.id, FollowUp::Wish(wish));
        return ticket.map_or(Plan::Wish(wish), added).into();
    }
    if let Some(ticket) = continued {
        return continuing(ticket, facts.text);
    }
    match facts.role {
        MessageRole::Comment => return Plan::Ignore("answer in a thread that is no ticket's").into(),
        MessageRole::Reply => return Plan::NewTicket { related: None }.into(),
        MessageRole::Report | MessageRole::Message => {}
    }
    // Only chats without threads go on by person and time: elsewhere a new top-level message is a new report.
    if facts.channel != Channel::WhatsApp {
        return Plan::NewTicket { related: None }.into();
    }
    match facts.last_of_author {
        Some((ticket, at)) if ticket.status.is_open() && gap(at, facts.sent_at) <= burst => {
            Plan::FollowUp(ticket.id, FollowUp::Add).into()
        }
        Some((ticket, _)) if is_answered(ticket) && was_resolved_within(ticket, facts.sent_at, ANSWER_WINDOW) => {
            continuing(ticket, facts.text)
        }
        _ => Plan::NewTicket { related: None }.into(),
    }
}

/// A further message of a known ticket: what it does depends on whether the ticket was resolved.
fn continuing(ticket: &Ticket, text: &str) -> Decision {
    if !is_answered(ticket) {
        return Plan::FollowUp(ticket.id, FollowUp::Add).into();
    }
    let reading = read_reply(text);
    let plan = match reading.kind {
        ReplyKind::Thanks => Plan::FollowUp(ticket.id, FollowUp::Thanks),
        ReplyKind::StillBroken => Plan::FollowUp(ticket.id, FollowUp::Reopen),
        ReplyKind::Question => Plan::FollowUp(ticket.id, FollowUp::Question),
        ReplyKind::NewTopic => Plan::NewTicket {
            related: Some(ticket.id),
        },
    };
    Decision {
        plan,
        reading: Some(reading),
    }
}

fn is_answered(ticket: &Ticket) -> bool {
    matches!(ticket.status, TicketStatus::Resolved | TicketStatus::Closed)
}

fn was_resolved_within(ticket: &Ticket, sent_at: Timestamp, window: Duration) -> bool {
    ticket
        .resolved_at
        .is_some_and(|resolved| sent_at.since(resolved) <= window)
}

/// Providers deliver late and out of order: an older message of a burst belongs to it as well.
fn gap(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::{domain::TicketNumber, testing::fixtures::Fixtures};

    const BURST: Duration = Duration::from_secs(600);

    /// A ticket that stands there, resolved (if it is) just before the messages below.
    fn ticket(status: TicketStatus) -> Ticket {
        let mut ticket = Fixtures::new(1).intake().stored_ticket(TicketNumber::FIRST);
        ticket.status = status;
        ticket.resolved_at = (!status.is_open()).then_some(Timestamp::UNIX_EPOCH);
        ticket
    }

    fn facts<'a>(role: MessageRole, channel: Channel, text: &'a str) -> Facts<'a> {
        Facts {
            role,
            channel,
            sent_at: Timestamp::UNIX_EPOCH.plus(Duration::from_secs(3600)),
            text,
            recorded: None,
            digest: "d1",
            answered: None,
            in_thread: None,
            last_of_author: None,
        }
    }

    fn plan(facts: &Facts<'_>) -> Plan {
        decide(facts, BURST).plan
    }

    #[test]
    fn f48_the_same_message_again_is_a_repeat_and_f49_another_text_is_a_conflict() {
        let known = ticket(TicketStatus::New);
        let mut facts = facts(MessageRole::Message, Channel::Slack, "printer on fire");
        facts.recorded = Some((known.id, "d1"));
        assert_eq!(plan(&facts), Plan::Repeat(known.id));
        facts.digest = "d2";
        assert_eq!(plan(&facts), Plan::Conflicting(known.id));
    }

    #[test]
    fn an_answer_in_an_unknown_thread_opens_a_ticket_on_intercom_and_not_on_slack() {
        let reply = facts(MessageRole::Reply, Channel::Intercom, "the invoice is wrong");
        assert_eq!(plan(&reply), Plan::NewTicket { related: None });
        let comment = facts(MessageRole::Comment, Channel::Slack, "me too");
        assert!(matches!(plan(&comment), Plan::Ignore(_)));
    }

    #[test]
    fn messages_of_one_person_within_the_burst_are_one_ticket_also_out_of_order() {
        let open = ticket(TicketStatus::New);
        let mut facts = facts(MessageRole::Message, Channel::WhatsApp, "and it beeps");
        for (minutes, expected) in [
            (0, Plan::FollowUp(open.id, FollowUp::Add)),
            (9, Plan::FollowUp(open.id, FollowUp::Add)),
            (11, Plan::NewTicket { related: None }),
        ] {
            let away = Duration::from_secs(minutes * 60);
            facts.last_of_author = Some((&open, facts.sent_at.minus(away)));
            assert_eq!(plan(&facts), expected, "{minutes} minutes before");
            facts.last_of_author = Some((&open, facts.sent_at.plus(away)));
            assert_eq!(plan(&facts), expected, "{minutes} minutes after");
        }
    }

    #[test]
    fn a_top_level_slack_message_is_a_new_report_whatever_its_author_wrote_before() {
        let open = ticket(TicketStatus::New);
        let mut facts = facts(MessageRole::Message, Channel::Slack, "another thing");
        facts.last_of_author = Some((&open, facts.sent_at));
        assert_eq!(plan(&facts), Plan::NewTicket { related: None });
    }

    #[test]
    fn a_wish_about_being_written_to_makes_no_ticket_and_joins_the_last_one() {
        let mut facts = facts(MessageRole::Message, Channel::WhatsApp, "BAJA");
        assert_eq!(plan(&facts), Plan::Wish(ContactWish::OptOut));
        let done = ticket(TicketStatus::Closed);
        facts.last_of_author = Some((&done, Timestamp::UNIX_EPOCH));
        let added = Plan::FollowUp(done.id, FollowUp::Wish(ContactWish::OptOut));
        assert_eq!(plan(&facts), added);
    }

    #[test]
    fn what_a_message_quotes_wins_over_when_and_where_it_was_written() {
        let (quoted, recent) = (ticket(TicketStatus::Triaged), ticket(TicketStatus::New));
        let mut facts = facts(MessageRole::Message, Channel::WhatsApp, "esta");
        facts.last_of_author = Some((&recent, facts.sent_at));
        facts.answered = Some(&quoted);
        assert_eq!(plan(&facts), Plan::FollowUp(quoted.id, FollowUp::Add));
        facts.in_thread = Some(&recent);
        assert_eq!(plan(&facts), Plan::FollowUp(quoted.id, FollowUp::Add));
    }

    #[test]
    fn an_answer_to_a_resolution_is_read() {
        let done = ticket(TicketStatus::Closed);
        let cases = [
            (
                "¡Muchas gracias, ya funciona!",
                Plan::FollowUp(done.id, FollowUp::Thanks),
            ),
            ("sigue sin funcionar", Plan::FollowUp(done.id, FollowUp::Reopen)),
            ("¿Cuándo se publica?", Plan::FollowUp(done.id, FollowUp::Question)),
            (
                "Gracias. Otra cosa: ¿se puede exportar a Excel?",
                Plan::NewTicket { related: Some(done.id) },
            ),
        ];
        for (text, expected) in cases {
            let mut facts = facts(MessageRole::Reply, Channel::Intercom, text);
            facts.in_thread = Some(&done);
            let decision = decide(&facts, BURST);
            assert_eq!(decision.plan, expected, "{text}");
            assert!(
                decision.reading.is_some_and(|reading| !reading.evidence.is_empty()),
                "{text}"
            );
        }
    }
}
