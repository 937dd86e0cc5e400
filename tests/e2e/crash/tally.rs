//! The count at the end: what was answered 2xx is there once, what was approved arrived once, and nothing else is anywhere.

use std::collections::BTreeMap;

use feedback_adapters::sandbox::Sandbox;
use feedback_tests::api::Api;

use super::traffic::Ledger;

/// What was found of what was sent.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Answered 2xx and not there; approved and not there, while the hub says neither that nor that it does not know.
    pub(super) lost: Vec<String>,
    /// There more than once.
    pub(super) duplicated: Vec<String>,
    /// There, and never sent or approved.
    pub(super) unexpected: Vec<String>,
    /// Reports in the hub.
    pub(super) reports: usize,
    /// Messages that reached a customer.
    pub(super) deliveries: usize,
    /// Deliveries that a person is asked about.
    pub(super) asked: usize,
}

impl Tally {
    pub(super) async fn of(api: &Api, sandbox: &Sandbox, ledger: &Ledger) -> Self {
        let mut tally = Self::default();
        tally.count_reports(&marks_in(api).await, ledger);
        tally.count_deliveries(api, sandbox, ledger).await;
        tally
    }

    fn count_reports(&mut self, found: &BTreeMap<String, usize>, ledger: &Ledger) {
        self.reports = found.len();
        let lost = ledger.acked.iter().filter(|mark| !found.contains_key(*mark));
        self.lost.extend(lost.cloned());
        for (mark, count) in found {
            if *count > 1 {
                self.duplicated.push(format!("{mark}: {count} times"));
            }
            if !ledger.sent.contains(mark) {
                self.unexpected.push(mark.clone());
            }
        }
    }

    async fn count_deliveries(&mut self, api: &Api, sandbox: &Sandbox, ledger: &Ledger) {
        let outside = outside(sandbox);
        self.deliveries = outside.len();
        for (channel, said) in &outside {
            if !ledger.approved.values().any(|text| said.contains(text.as_str())) {
                self.unexpected.push(format!("{channel}: {said}"));
            }
        }
        let mut told = BTreeMap::new();
        for notification in api.all("/api/notifications").await {
            let ticket = notification["ticket_id"].as_str().unwrap_or_default().to_owned();
            let Some(text) = ledger.approved.get(&ticket) else {
                self.unexpected.push(notification.to_string());
                continue;
            };
            let said = |channel: &str| {
                outside
                    .iter()
                    .filter(|(on, said)| *on == channel && said.contains(text))
                    .count()
            };
            let channel = notification["channel"].as_str().unwrap_or_default();
            let status = notification["status"].as_str().unwrap_or_default();
            // What became of a message is left to a person where the channel cannot be asked, and where three processes in a
            // row died while they asked; never elsewhere.
            let buried = notification["last_error"] == "gave_up: crash_loop";
            let asks = status == "ambiguous" && (channel == "whatsapp" || buried);
            let arrived = ["sent", "delivered", "read"].contains(&status);
            self.asked += usize::from(asks);
            match said(channel) {
                0 if asks => {}
                0 => self.lost.push(notification.to_string()),
                1 if asks || arrived => {}
                1 => self.unexpected.push(notification.to_string()),
                count => self.duplicated.push(format!("{count} times {notification}")),
            }
            told.insert(ticket, ());
        }
        // An approval that was answered has its notification in the same commit; none of these may have a message without.
        for (ticket, text) in ledger.approved.iter().filter(|(ticket, _)| !told.contains_key(*ticket)) {
            if outside.iter().any(|(_, said)| said.contains(text.as_str())) {
                self.unexpected
                    .push(format!("{ticket}: a message without a notification"));
            }
        }
    }
}

/// How often each mark is in the hub.
async fn marks_in(api: &Api) -> BTreeMap<String, usize> {
    let mut marks: BTreeMap<String, usize> = BTreeMap::new();
    for ticket in api.all("/api/tickets").await {
        let path = format!("/api/tickets/{}", ticket["id"].as_str().expect("an id"));
        let detail = api.get(&path).await;
        for source in detail["sources"].as_array().expect("a ticket has sources") {
            let text = source["text"].as_str().unwrap_or_default();
            let mark = text.split("error ").nth(1).unwrap_or(text).trim().to_owned();
            *marks.entry(mark).or_default() += 1;
        }
    }
    marks
}

/// What customers got, with its channel.
fn outside(sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    let slack = sandbox.slack().app_messages().into_iter();
    let slack = slack.map(|message| ("slack", message.text));
    let conversations = sandbox.intercom().conversations();
    let intercom = conversations.iter().flat_map(|conversation| {
        let comments = conversation.comments_by_admins();
        comments.map(|part| ("intercom", part.body.clone())).collect::<Vec<_>>()
    });
    let whatsapp = sandbox.whatsapp().messages();
    let whatsapp = whatsapp
        .iter()
        .map(|message| ("whatsapp", message.content.body().to_owned()));
    slack.chain(intercom).chain(whatsapp).collect()
}
