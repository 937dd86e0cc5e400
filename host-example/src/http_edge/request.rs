//! One request on its way to the routes: what must be right before any of them sees it, and how slowly its body may come.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError, Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::ServiceExt;

use super::Limits;

/// What the routes answer, or what is answered instead of them.
pub(super) async fn answer(router: Router, request: Request<Incoming>, limits: Limits) -> Response {
    if !has_one_host(&request) {
        return refusal(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read");
    }
    // What follows chunks is not looked at, so nothing may follow.
    let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
    let was_slow = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Body::new(Timed::new(body, limits, Arc::clone(&was_slow))));
    let Ok(mut response) = router.oneshot(request).await;
    if was_slow.load(Ordering::SeqCst) {
        return refusal(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long");
    }
    if is_last {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// HTTP/1.1 wants exactly one `Host`; two would be two truths for whoever is in front of the hub.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() == Version::HTTP_10)
}

/// A problem document as the API has them, and the end of the connection.
fn refusal(status: StatusCode, slug: &str, title: &str) -> Response {
    let problem = serde_json::json!({
        "type": format!("urn:feedback-hub:problem:{slug}"),
        "title": title,
        "status": status.as_u16(),
    });
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
    ];
    (status, headers, problem.to_string()).into_response()
}

/// A body that must keep coming. Its time runs from the first look at it: what a route does before is not the sender's
/// fault.
struct Timed {
    body: Incoming,
    limits: Limits,
    was_slow: Arc<AtomicBool>,
    received: u64,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Timed {
    fn new(body: Incoming, limits: Limits, was_slow: Arc<AtomicBool>) -> Self {
        Self {
            body,
            limits,
            was_slow,
            received: 0,
            waiting: None,
        }
    }
}

/// How long after its begin a body may keep us waiting that has brought so much.
fn allowance(limits: &Limits, received: u64) -> Duration {
    let earned = received.saturating_mul(1000) / u64::from(limits.body_bytes_per_second.max(1));
    limits
        .body_time
        .min(limits.body_grace.saturating_add(Duration::from_millis(earned)))
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let allowance = allowance(&this.limits, this.received);
        let (since, sleeping) = this.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + allowance)))
        });
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                if sleeping.deadline() != *since + allowance {
                    sleeping.as_mut().reset(*since + allowance);
                }
                ready!(sleeping.as_mut().poll(cx));
                this.was_slow.store(true, Ordering::SeqCst);
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_earns_its_time_by_what_it_brings() {
        let limits = Limits::default();
        let seconds = |received| allowance(&limits, received).as_secs_f64();
        assert_eq!(seconds(0), 5.0);
        assert_eq!(seconds(1024), 6.0);
        assert_eq!(seconds(9 * 1024), 14.0);
        assert_eq!(seconds(1 << 20), 15.0, "and never more than a body may take");
        assert_eq!(seconds(u64::MAX), 15.0);
    }

    #[test]
    fn f62_a_request_has_one_host() {
        let asked = |version, hosts: &[&str]| {
            let mut request = Request::builder().version(version);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            has_one_host(&request.body(()).unwrap())
        };
        assert!(asked(Version::HTTP_11, &["a"]));
        assert!(!asked(Version::HTTP_11, &[]));
        assert!(!asked(Version::HTTP_11, &["a", "a"]));
        assert!(asked(Version::HTTP_10, &[]));
        assert!(!asked(Version::HTTP_10, &["a", "b"]));
    }
}
