//! A person who reported: everything known of them in one place, and what they may ask for: their copy, and their erasure.

use askama::Template;
use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{LinkStrength, Reporter, ReporterId},
    usecases::{EraseError, ExportError, KnownAs, MergeError, ReporterName, ShowError, to_csv},
};
use serde::Deserialize;

use super::{
    Moment,
    input::{Address, Sent},
    page, problem,
    ticket::name_of,
};
use crate::{Dashboard, session::Visitor, words};

/// An address of the person; what it is stays sealed.
struct Writes {
    channel: &'static str,
    opted_out: Option<Moment>,
    last_wrote: Option<Moment>,
}

/// Another entry of the same person, or of one who may be the same.
struct Other {
    id: String,
    name: String,
}

struct Report {
    number: u64,
    title: String,
    lang: &'static str,
    status: &'static str,
    status_label: &'static str,
    channel: &'static str,
}

#[derive(Template)]
#[template(path = "person.html")]
struct Person {
    visitor: Visitor,
    here: &'static str,
    id: String,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    vouched: bool,
    erased: Option<Moment>,
    writes: Vec<Writes>,
    merged: Vec<Other>,
    suspected: Vec<Other>,
    evidence: Vec<String>,
    reports: Vec<Report>,
}

pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<ReporterId>,
) -> Response {
    let known = match dashboard.hub.merge_reporters.known_as(id).await {
        Ok(known) => known,
        Err(MergeError::Storage(error)) => return problem::unavailable(&error),
        Err(_) => return problem::not_found(),
    };
    match view(&dashboard, visitor, known).await {
        Ok(person) => page(&person),
        Err(ShowError::Storage(error)) => problem::unavailable(&error),
    }
}

async fn view(dashboard: &Dashboard, visitor: Visitor, known: KnownAs) -> Result<Person, ShowError> {
    let reporter = &known.reporter;
    let ReporterName { email, phone, .. } = dashboard.hub.show.reporter(reporter)?;
    let mut suspected = Vec::new();
    for id in known.suspected {
        if let Some(other) = dashboard.hub.show.find_reporter(id).await? {
            suspected.push(other);
        }
    }
    let other = |other: &Reporter| Other {
        id: other.id.to_string(),
        name: words::shown(&name_of(dashboard, other)),
    };
    let tickets = dashboard.hub.show.tickets_of(reporter.id).await?;
    Ok(Person {
        visitor,
        here: "",
        id: reporter.id.to_string(),
        name: words::shown(&name_of(dashboard, reporter)),
        email: email.map(|email| words::shown(&email)),
        phone: phone.map(|phone| words::shown(&phone)),
        vouched: reporter.email_verified,
        erased: reporter.erased_at.map(Moment::of),
        writes: known
            .identities
            .iter()
            .map(|identity| Writes {
                channel: identity.channel.label(),
                opted_out: identity.opted_out_at.map(Moment::of),
                last_wrote: identity.last_message_at.map(Moment::of),
            })
            .collect(),
        merged: known.merged.iter().map(other).collect(),
        suspected: suspected.iter().map(other).collect(),
        evidence: known
            .links
            .iter()
            .map(|link| {
                let undone = if link.undone.is_some() { ", taken back" } else { "" };
                let kind = link.kind.as_str().replace('_', " ");
                let weight = match link.kind.strength() {
                    LinkStrength::Strong => "enough by itself",
                    LinkStrength::Weak => "a hint",
                };
                format!("{kind}: {weight}{undone}")
            })
            .collect(),
        reports: tickets
            .iter()
            .map(|ticket| Report {
                number: ticket.number.value(),
                title: words::shown(ticket.title.as_str()),
                lang: words::language_code(ticket.language),
                status: ticket.status.as_str(),
                status_label: ticket.status.label(),
                channel: ticket.channel.label(),
            })
            .collect(),
    })
}

/// What the merge form sends.
#[derive(Deserialize)]
pub(crate) struct MergeForm {
    other: ReporterId,
}

/// Says that another is this person.
pub(crate) async fn merge(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<ReporterId>,
    Sent(form): Sent<MergeForm>,
) -> Response {
    let merged = dashboard
        .hub
        .merge_reporters
        .merge(form.other, id, visitor.user.id)
        .await;
    settled(merged, id)
}

/// Takes a merge back: the other is a person of their own again.
pub(crate) async fn part(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<ReporterId>,
    Sent(form): Sent<MergeForm>,
) -> Response {
    let parted = dashboard.hub.merge_reporters.part(form.other, visitor.user.id).await;
    settled(parted, id)
}

fn settled(result: Result<Reporter, MergeError>, id: ReporterId) -> Response {
    let back = address(id);
    let words = match result {
        Ok(_) => return Redirect::to(&back).into_response(),
        Err(MergeError::NotFound) => return problem::not_found(),
        Err(MergeError::Storage(error)) => return problem::unavailable(&error),
        Err(MergeError::Same) => "They are one person already.",
        Err(MergeError::NotMerged) => "Somebody has already taken this back.",
        Err(MergeError::Erased) => "One of them was erased.",
        Err(MergeError::AddressTaken) => "Another person has proved the same address since: apart, both would have it.",
    };
    problem::conflict(words, &back)
}

/// Everything that is kept of a person, in the clear: a download for them alone.
pub(crate) async fn export(
    State(dashboard): State<Dashboard>,
    Address((id, format)): Address<(ReporterId, ExportFormat)>,
) -> Response {
    let exported = match dashboard.hub.export.export(id).await {
        Ok(exported) => exported,
        Err(ExportError::NotFound) => return problem::not_found(),
        Err(ExportError::Storage(error)) => return problem::unavailable(&error),
    };
    let (mut response, disposition) = match format {
        ExportFormat::Json => (Json(exported).into_response(), "attachment; filename=\"person.json\""),
        ExportFormat::Csv => (
            ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], to_csv(&exported)).into_response(),
            "attachment; filename=\"person.csv\"",
        ),
    };
    let disposition = HeaderValue::from_static(disposition);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    response
}

/// How a person gets their copy.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExportFormat {
    Json,
    Csv,
}

/// What the erasure form sends: since nothing brings a person back, the word is typed by hand.
#[derive(Deserialize)]
pub(crate) struct EraseForm {
    #[serde(default)]
    word: String,
}

pub(crate) async fn erase(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<ReporterId>,
    Sent(form): Sent<EraseForm>,
) -> Response {
    let back = address(id);
    if !form.word.trim().eq_ignore_ascii_case("erase") {
        return problem::invalid(
            "Nothing was erased: type the word erase to say that you mean it.",
            &back,
        );
    }
    match dashboard.hub.erase.erase(id, Some(visitor.user.id)).await {
        Ok(_) => Redirect::to(&back).into_response(),
        Err(EraseError::NotFound) => problem::not_found(),
        Err(EraseError::Log(error) | EraseError::Storage(error)) => problem::unavailable(&error),
    }
}

fn address(id: ReporterId) -> String {
    format!("/people/{id}")
}
