//! `POST /api/tickets`: a report from inside the product, or one that a colleague writes down.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header::LOCATION},
};
use feedback_core::{
    domain::{Channel, ExternalId, MAX_EXTERNAL_ID_BYTES, MAX_TITLE_CHARS},
    logic::normalize::Author,
    usecases::{Submission, SubmitError},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{answered, port, show::TicketDetailBody};
use crate::{
    api::{
        Api,
        call::{Call, Versioned},
        words::{PriorityWord, TicketTypeWord},
    },
    problem::{Checks, Problem, ProblemBody},
};

/// Longest report. Intercom's and Slack's longest messages are below it.
const MAX_DESCRIPTION_CHARS: usize = 50_000;
/// Longest name of a person.
const MAX_NAME_CHARS: usize = 200;

/// A report.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewTicket)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTicket {
    /// What happened.
    #[schema(min_length = 1, max_length = 50000)]
    description: String,
    /// Else the first sentence of the description.
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
    /// `in_app` (the default) or `backoffice`.
    #[schema(value_type = Option<String>)]
    channel: Option<String>,
    /// The caller's id of the report: the same id is the same report.
    #[schema(min_length = 1, max_length = 512)]
    external_id: Option<String>,
    reporter: ReporterFields,
    /// Where the caller knows it; else it is inferred.
    #[schema(value_type = Option<TicketTypeWord>)]
    r#type: Option<String>,
    /// Where the caller knows it; else it is inferred.
    #[schema(value_type = Option<PriorityWord>)]
    priority: Option<String>,
}

/// Who reports.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewReporter)]
#[serde(deny_unknown_fields)]
struct ReporterFields {
    /// The product's id of the person.
    #[schema(max_length = 512)]
    external_user_id: Option<String>,
    email: Option<String>,
    #[schema(max_length = 200)]
    name: Option<String>,
    phone: Option<String>,
}

/// Records a report. The same `external_id` or `Idempotency-Key` again gives the same ticket.
#[utoipa::path(
    post, path = "/tickets", operation_id = "createTicket", tag = "tickets",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 24 hours")),
    request_body = CreateTicket,
    responses(
        (status = 200, body = TicketDetailBody, description = "The report was known by its `external_id`"),
        (status = 201, body = TicketDetailBody, description = "Recorded; `Location` is the ticket"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    call: Call<CreateTicket>,
) -> Result<([(HeaderName, String); 1], Versioned<TicketDetailBody>), Problem> {
    let submission = submission(call.body)?;
    let submitted = api
        .hub
        .ingest
        .submit(&submission, call.remembered)
        .await
        .map_err(|error| match error {
            SubmitError::KeyReused => Problem::key_reused(),
            SubmitError::Storage(error) => port(error),
        })?;
    let status = if submitted.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let location = [(LOCATION, format!("/api/tickets/{}", submitted.ticket))];
    Ok((location, answered(&api, status, submitted.ticket).await?))
}

fn submission(body: CreateTicket) -> Result<Submission, Problem> {
    let mut checks = Checks::default();
    checks.text("description", &body.description, MAX_DESCRIPTION_CHARS);
    if let Some(title) = &body.title {
        checks.text("title", title, MAX_TITLE_CHARS);
    }
    let channel = match body.channel.as_deref() {
        None | Some("in_app") => Channel::InApp,
        Some("backoffice") => Channel::Backoffice,
        Some(_) => {
            checks.fail("channel", "expected in_app or backoffice");
            Channel::InApp
        }
    };
    let external_id = body.external_id.and_then(|id| {
        ExternalId::parse(id)
            .inspect_err(|error| checks.fail("external_id", error))
            .ok()
    });
    let author = author(body.reporter, channel, &mut checks);
    let submission = Submission {
        channel,
        external_id,
        author,
        text: body.description,
        title: body.title,
        ticket_type: checks.parse("type", body.r#type.as_deref()),
        priority: checks.parse("priority", body.priority.as_deref()),
    };
    checks.finish()?;
    Ok(submission)
}

fn author(fields: ReporterFields, channel: Channel, checks: &mut Checks) -> Author {
    let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (id, email) = (filled(fields.external_user_id), filled(fields.email));
    let (name, phone) = (filled(fields.name), filled(fields.phone));
    if id
        .as_ref()
        .is_some_and(|id| id.len() > MAX_EXTERNAL_ID_BYTES || id.chars().any(char::is_control))
    {
        checks.fail(
            "reporter.external_user_id",
            format_args!("must have at most {MAX_EXTERNAL_ID_BYTES} bytes, none of them control characters"),
        );
    }
    if email.as_ref().is_some_and(|email| !is_address(email)) {
        checks.fail("reporter.email", "must be an email address");
    }
    if let Some(name) = &name {
        checks.text("reporter.name", name, MAX_NAME_CHARS);
    }
    if phone.as_ref().is_some_and(|phone| !is_phone(phone)) {
        checks.fail(
            "reporter.phone",
            "must be a phone number: 5 to 20 digits, with + ( ) - . and spaces",
        );
    }
    Author {
        // The product vouches for the accounts that it has; an address that somebody wrote down is evidence of nothing.
        email_verified: channel == Channel::InApp && id.is_some() && email.is_some(),
        external_user_id: id.unwrap_or_default(),
        other_user_ids: Vec::new(),
        name,
        email,
        phone,
    }
}

/// Roughly an address: a part before and after one `@`, and nothing that a mail header could be broken with.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let fits = text.len() <= 254 && !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    fits && !text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | ',' | ';'))
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (5..=20).contains(&digits)
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_judged_roughly() {
        for good in ["ana@example.test", "a.b+c@sub.example.test", "ñandú@ejemplo.test"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "ana", "@x", "ana@", "a@b@c", "a b@c.d", "a@b\r\nBcc: x", "<a@b.c>"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_phone("+34 612 34 56 78") && is_phone("(55) 1234-5678"));
        assert!(!is_phone("1234") && !is_phone("call me") && !is_phone("+34 612 34 56 78 90 12 34 56 78"));
    }
}
