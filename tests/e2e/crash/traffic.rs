//! What goes on while hosts die: people write on three channels, a reviewer and engineers do what is there to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use feedback_adapters::sandbox::{Inbound, Sandbox};
use feedback_tests::api::Api;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// What was sent and what the hub said to it: the two sides of a queue of which nothing may get lost.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Marks of all reports, each in its report's text and nowhere else.
    pub(super) sent: BTreeSet<String>,
    /// Of those that the hub answered 2xx.
    pub(super) acked: BTreeSet<String>,
    /// Words that a reviewer approved, by ticket: each unique, so that they can be counted outside.
    pub(super) approved: BTreeMap<String, String>,
}

/// The ledger, and when it is enough.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    ledger: Mutex<Ledger>,
    /// How many reports may have been sent by now.
    allowed: AtomicUsize,
    stop: AtomicBool,
}

impl Traffic {
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Lets so many more reports be sent: on a slow machine, too, hosts that keep dying shall come through with them.
    pub(super) fn allow(&self, reports: usize) {
        self.allowed.fetch_add(reports, Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }
}

/// People on three channels write until it is enough; each provider repeats its webhook as the real one would.
pub(super) async fn send_reports(sandbox: Arc<Sandbox>, traffic: Arc<Traffic>, hosts: Vec<String>, pause: Duration) {
    let mut sending = Vec::new();
    for n in 0.. {
        while traffic.goes_on() && n >= traffic.allowed.load(Ordering::SeqCst) {
            tokio::time::sleep(pause).await;
        }
        if !traffic.goes_on() {
            break;
        }
        let mark = format!("marca{n}x");
        let inbound = somebody_writes(&sandbox, n, &mark);
        traffic.ledger().sent.insert(mark.clone());
        // As a load balancer that knows nothing of who lives.
        sandbox.connect(&hosts[n % hosts.len()]);
        let (sandbox, traffic) = (Arc::clone(&sandbox), Arc::clone(&traffic));
        sending.push(tokio::spawn(async move {
            if sandbox.deliver(&inbound).await.is_accepted() {
                traffic.ledger().acked.insert(mark);
            }
        }));
        tokio::time::sleep(pause).await;
    }
    for task in sending {
        task.await.expect("a sender does not panic");
    }
}

fn somebody_writes(sandbox: &Sandbox, n: usize, mark: &str) -> Inbound {
    let people = &sandbox.config().people;
    let person = &people[n % people.len()];
    let text = format!("La exportación falla con el error {mark}");
    match n % 3 {
        0 => sandbox.slack().person_posts(&person.slack_id, "C0SUPPORT", &text).1,
        1 => sandbox.intercom().person_writes(&person.intercom_id, &text).1,
        // A person of their own each time: messages of one person in a burst would be one ticket.
        _ => {
            let number = format!("54911{:08}", 55_000_000 + n);
            sandbox.whatsapp().person_writes(&number, &person.name, &text).1
        }
    }
}

/// A reviewer and engineers who do what is there to do, over hosts that keep dying.
pub(super) async fn review(sandbox: Arc<Sandbox>, traffic: Arc<Traffic>, hosts: Vec<Api>) {
    for api in hosts.iter().cycle() {
        if !traffic.goes_on() {
            break;
        }
        confirm_some(api).await;
        for page in sandbox.notion().pages() {
            if page.status.as_deref() != Some("Done") {
                // The page is there: moving it cannot fail.
                sandbox
                    .notion()
                    .move_page(&page.id, "Done")
                    .expect("the board has the page");
            }
        }
        approve_some(api, &traffic).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn confirm_some(api: &Api) {
    let Some((StatusCode::OK, page)) = api
        .try_call(Method::GET, "/api/tickets?status=new&limit=10", None)
        .await
    else {
        return;
    };
    for ticket in page["items"].as_array().into_iter().flatten() {
        let word = json!({"version": ticket["version"], "type": "bug", "priority": "P3"});
        let path = format!("/api/tickets/{}/confirm", ticket["id"].as_str().unwrap_or_default());
        // A kill or a concurrent change may refuse it: the next look comes soon.
        let _ = api.try_call(Method::POST, &path, Some(&word)).await;
    }
}

async fn approve_some(api: &Api, traffic: &Traffic) {
    let path = "/api/changelog_entries?status=draft&limit=10";
    let Some((StatusCode::OK, page)) = api.try_call(Method::GET, path, None).await else {
        return;
    };
    for entry in page["items"].as_array().into_iter().flatten() {
        let Some(ticket) = entry["ticket_id"].as_str() else {
            continue;
        };
        let text = format!("Resuelto: respuesta-{}.", ticket.replace('-', ""));
        let edit = json!({"version": entry["version"], "content": text});
        let edited = api
            .try_call(
                Method::PATCH,
                &format!("/api/tickets/{ticket}/update_changelog"),
                Some(&edit),
            )
            .await;
        let Some((StatusCode::OK, edited)) = edited else {
            continue;
        };
        let word = json!({"version": edited["version"]});
        // Whether the answer comes or not, it may be approved from here on.
        traffic.ledger().approved.insert(ticket.to_owned(), text);
        let _ = api
            .try_call(
                Method::PATCH,
                &format!("/api/tickets/{ticket}/approve_changelog"),
                Some(&word),
            )
            .await;
    }
}
