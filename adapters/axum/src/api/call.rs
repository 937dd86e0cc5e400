//! What a call says beside its path: its body, the version that the person saw, and the key that makes a repeat harmless.

use std::{str::FromStr, sync::Arc};

use axum::{
    extract::{FromRequest, FromRequestParts, MatchedPath, OriginalUri, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use feedback_core::domain::{IdempotencyKey, RememberedCall, UserId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Api;
use crate::{auth::Caller, limits, problem::Problem};

/// The largest body of our own API.
const MAX_BYTES: usize = 1 << 20;

/// A call that writes.
#[derive(Debug)]
pub(super) struct Call<T> {
    /// In whose name.
    pub(super) by: UserId,
    /// The body; an empty one is read as `{}`.
    pub(super) body: T,
    /// What storage remembers of the call, where it came with an `Idempotency-Key`.
    pub(super) remembered: Option<RememberedCall>,
    if_match: Option<u32>,
}

/// The version that a person saw, and where they said so: the answer to a stale one differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) version: u32,
    in_header: bool,
}

impl Seen {
    /// 412 where the version came as `If-Match`, else 409; with what stands now.
    pub(super) fn stale(self, current: &impl Serialize) -> Problem {
        let detail = format!("it was changed since version {}", self.version);
        let problem = if self.in_header {
            Problem::precondition_failed(detail)
        } else {
            Problem::conflict("stale-version", detail)
        };
        problem.current(current)
    }
}

impl<T> Call<T> {
    /// The version that the person saw, if they say.
    pub(super) fn seen(&self, in_body: Option<u32>) -> Result<Option<Seen>, Problem> {
        match (in_body, self.if_match) {
            (Some(body), Some(header)) if body != header => {
                Err(Problem::invalid_field("version", "is another than that of If-Match"))
            }
            (_, Some(version)) => Ok(Some(Seen {
                version,
                in_header: true,
            })),
            (Some(version), None) => Ok(Some(Seen {
                version,
                in_header: false,
            })),
            (None, None) => Ok(None),
        }
    }

    /// The same for a decision, which is about a version.
    pub(super) fn must_have_seen(&self, in_body: Option<u32>) -> Result<Seen, Problem> {
        let missing = || Problem::invalid_field("version", "is missing, here and as If-Match");
        self.seen(in_body)?.ok_or_else(missing)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Call<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Caller(by) = Caller::from_request_parts(&mut parts, api).await?;
        let held = limits::read(&parts.headers, body, MAX_BYTES, &api.in_flight).await?;
        if !held.bytes.is_empty() {
            check_content_type(&parts.headers)?;
        }
        let if_match = if_match(&parts.headers)?;
        let remembered = match idempotency_key(&parts.headers)? {
            None => None,
            Some(key) => Some(RememberedCall {
                scope: scope(by, &mut parts).await,
                key,
                fingerprint: fingerprint(&parts, if_match, &held.bytes),
                subject: Uuid::nil(),
                at: api.hub.clock.now(),
            }),
        };
        Ok(Self {
            by,
            body: read_json(&held.bytes)?,
            remembered,
            if_match,
        })
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::unsupported("the body must be application/json"))
    }
}

/// The version in `If-Match`, with or without quotes.
fn if_match(headers: &HeaderMap) -> Result<Option<u32>, Problem> {
    let unreadable = || Problem::invalid_field("If-Match", "must be one version, for instance \"3\"");
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value
        .to_str()
        .ok()
        .filter(|_| values.next().is_none())
        .ok_or_else(unreadable)?;
    let text = text.trim();
    let text = text.strip_prefix("W/").unwrap_or(text);
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    text.parse().map(Some).map_err(|_| unreadable())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|_| values.next().is_none());
    let fits = |key: &&str| !key.trim().is_empty() && key.len() <= IdempotencyKey::MAX_BYTES;
    match key.filter(fits) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Problem::malformed(format!(
            "Idempotency-Key must be one header of 1 to {} printable characters",
            IdempotencyKey::MAX_BYTES
        ))),
    }
}

/// Keys of two callers or two routes never meet.
async fn scope(by: UserId, parts: &mut Parts) -> String {
    let route = MatchedPath::from_request_parts(parts, &()).await;
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    format!("{by} {} {route}", parts.method)
}

/// Digest of what is asked. Each part is preceded by its length, so that no two different calls give the same bytes.
fn fingerprint(parts: &Parts, if_match: Option<u32>, body: &[u8]) -> [u8; 32] {
    let path = parts
        .extensions
        .get::<OriginalUri>()
        .map_or(&parts.uri, |uri| &uri.0)
        .path();
    let version = if_match.map(|version| version.to_string()).unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [
        parts.method.as_str().as_bytes(),
        path.as_bytes(),
        version.as_bytes(),
        body,
    ] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// What is no JSON is 400, and so is a key that comes twice; JSON of another shape than wanted is 422.
fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        // The parser's words may quote the body, so only the names of fields are taken from them.
        let words = error.to_string();
        let field = words.split('`').nth(1).unwrap_or_default();
        match error.classify() {
            Category::Data if words.starts_with("missing field") => Problem::invalid_field(field, "is missing"),
            Category::Data if words.starts_with("unknown field") => {
                Problem::invalid_field(field, "is not a field here")
            }
            Category::Data if words.starts_with("duplicate field") => {
                Problem::malformed(format!("a field comes twice ({at})"))
            }
            Category::Data => Problem::invalid(format!("a value is not of the kind that is wanted ({at})")),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::malformed(format!("the body is no JSON ({at})"))
            }
        }
    })
}

/// The id in the path. What is no id names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub(super) struct Id<T>(pub(super) T);

impl<T: FromStr> FromRequestParts<Arc<Api>> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let missing = || Problem::not_found("what this id names");
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

/// Two ids in the path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids<T, U>(pub(super) T, pub(super) U);

impl<T: FromStr, U: FromStr> FromRequestParts<Arc<Api>> for Ids<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let missing = || Problem::not_found("what these ids name");
        let Path((outer, inner)) = Path::<(String, String)>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        match (outer.parse(), inner.parse()) {
            (Ok(outer), Ok(inner)) => Ok(Self(outer, inner)),
            _ => Err(missing()),
        }
    }
}

/// The query of a list. A parameter that is unknown or comes twice is 400: a filter that does nothing would mislead.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Api>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, api).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(_) => Err(Problem::malformed("a query parameter is unknown or comes twice")),
        }
    }
}

/// The version of what is answered, as `If-Match` wants it back.
pub(super) fn etag(version: u32) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

/// An answer with the version of what it shows.
pub(super) type Versioned<T> = (StatusCode, [(header::HeaderName, String); 1], axum::Json<T>);

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::response::IntoResponse;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        #[expect(dead_code, reason = "only whether it reads is looked at")]
        name: String,
    }

    fn status(body: &[u8]) -> u16 {
        read_json::<Named>(body).map_or_else(|problem| problem.into_response().status().as_u16(), |_| 200)
    }

    #[test]
    fn f55_what_is_no_json_is_400_and_another_shape_is_422() {
        let deep = [b"{\"name\":".as_slice(), &b"[".repeat(100_000)].concat();
        let cases: [(&[u8], u16); 10] = [
            (br#"{"name":"x"}"#, 200),
            (b"", 422),
            (b"{}", 422),
            (br#"{"name":1}"#, 422),
            (br#"{"name":"x","other":1}"#, 422),
            (b"[]", 422),
            (br#"{"name":"x","name":"y"}"#, 400),
            (br#"{"name":"x""#, 400),
            (b"\xff\xfe", 400),
            (br#"{"name":"\ud800"}"#, 400),
        ];
        for (body, expected) in cases {
            assert_eq!(status(body), expected, "{}", String::from_utf8_lossy(body));
        }
        assert!(matches!(status(&deep), 400 | 422));
    }

    #[test]
    fn a_version_is_read_with_and_without_quotes_and_nothing_else_is() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            }
            if_match(&headers).map_err(|problem| problem.into_response().status().as_u16())
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["\"3\""]), Ok(Some(3)));
        assert_eq!(read(&["3"]), Ok(Some(3)));
        assert_eq!(read(&["W/\"3\""]), Ok(Some(3)));
        for bad in [
            &["*"][..],
            &["\"3\", \"4\""],
            &["3", "3"],
            &["-1"],
            &["99999999999"],
            &[""],
        ] {
            assert_eq!(read(bad), Err(422), "{bad:?}");
        }
    }
}
