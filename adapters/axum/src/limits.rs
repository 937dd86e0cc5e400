//! How much of a request is read, for how long, and how many bytes of all requests are held at once.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, header::CONTENT_ENCODING},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::problem::Problem;

/// A body takes no longer than this: a sender that drips is let go.
const BODY_TIME: Duration = Duration::from_secs(15);

/// Bytes of request bodies that may be held at once. Clones share the room, so one value bounds several routers.
#[derive(Debug, Clone)]
pub struct InFlight(Arc<Semaphore>);

impl InFlight {
    /// What the hub holds unless a host says otherwise: 64 MiB.
    pub const DEFAULT_BYTES: usize = 64 << 20;

    /// Room for this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unreadable> {
        let bytes = u32::try_from(bytes).map_err(|_| Unreadable::NoRoom)?;
        Arc::clone(&self.0)
            .try_acquire_many_owned(bytes)
            .map_err(|_| Unreadable::NoRoom)
    }
}

impl Default for InFlight {
    fn default() -> Self {
        Self::new(Self::DEFAULT_BYTES)
    }
}

/// A body as it came, with its place in the room, which is given back when the value is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    /// Kept as long as anybody works on the body.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is compressed: no sender of ours does that, and a small body could become a huge one.
    Encoded,
    /// It is over the cap.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The room for bodies is full.
    NoRoom,
    /// The connection broke.
    Broken,
}

impl Unreadable {
    /// The name in metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Encoded => "encoded",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::NoRoom => "no_room",
            Self::Broken => "broken",
        }
    }
}

impl From<Unreadable> for Problem {
    fn from(reason: Unreadable) -> Self {
        match reason {
            Unreadable::Encoded => Self::unsupported("the body must not be compressed"),
            Unreadable::TooLarge => Self::too_large(),
            Unreadable::TooSlow => Self::too_slow(),
            Unreadable::NoRoom => Self::unavailable("too much is being received at once", 30),
            Unreadable::Broken => Self::malformed("the body ended early"),
        }
    }
}

/// Reads a body of at most `cap` bytes, and never past the cap. Room is taken as bytes arrive and not as they are
/// announced, so that an announcement alone takes nothing from others.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    cap: usize,
    in_flight: &InFlight,
) -> Result<Held, Unreadable> {
    let encoded = |coding: &[u8]| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity");
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| encoded(coding.as_bytes()))
    {
        return Err(Unreadable::Encoded);
    }
    let is_over = |bytes: u64| usize::try_from(bytes).map_or(true, |bytes| bytes > cap);
    if is_over(body.size_hint().lower()) {
        return Err(Unreadable::TooLarge);
    }
    let until = Instant::now() + BODY_TIME;
    let mut bytes = BytesMut::new();
    let mut room: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = timeout_at(until, body.frame()).await.map_err(|_| Unreadable::TooSlow)? {
        let Ok(data) = frame.map_err(|_| Unreadable::Broken)?.into_data() else {
            continue;
        };
        if data.len() > cap - bytes.len() {
            return Err(Unreadable::TooLarge);
        }
        let taken = in_flight.take(data.len())?;
        match &mut room {
            Some(room) => room.merge(taken),
            None => room = Some(taken),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Held {
        bytes: bytes.freeze(),
        room,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use futures::stream;

    use super::*;

    /// Chunks of 10 bytes without an announced length.
    fn chunks(count: usize) -> Body {
        Body::from_stream(stream::iter(
            (0..count).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789"))),
        ))
    }

    #[tokio::test]
    async fn f52_a_body_at_the_cap_is_read_and_one_byte_more_is_not() {
        let (headers, room) = (HeaderMap::new(), InFlight::new(1000));
        assert_eq!(read(&headers, chunks(3), 30, &room).await.unwrap().bytes.len(), 30);
        assert_eq!(
            read(&headers, chunks(3), 29, &room).await.unwrap_err(),
            Unreadable::TooLarge
        );
        assert_eq!(
            read(&headers, Body::from(vec![0; 31]), 30, &room).await.unwrap_err(),
            Unreadable::TooLarge
        );
    }

    #[tokio::test]
    async fn f52_nothing_is_asked_for_beyond_the_chunk_that_passes_the_cap() {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let endless = stream::repeat_with(move || {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789"))
        });
        let refused = read(&HeaderMap::new(), Body::from_stream(endless), 25, &InFlight::default()).await;
        assert_eq!(refused.unwrap_err(), Unreadable::TooLarge);
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn the_room_is_given_back_when_a_body_is_dropped_and_refused_bodies_keep_none() {
        let (headers, room) = (HeaderMap::new(), InFlight::new(50));
        let first = read(&headers, chunks(3), 100, &room).await.unwrap();
        assert_eq!(
            read(&headers, chunks(3), 100, &room).await.unwrap_err(),
            Unreadable::NoRoom
        );
        assert!(read(&headers, chunks(2), 100, &room).await.is_ok());
        drop(first);
        assert!(read(&headers, chunks(5), 100, &room).await.is_ok());
    }

    #[tokio::test]
    async fn f54_a_compressed_body_is_refused_by_any_of_its_codings() {
        for (codings, refused) in [
            (&["identity"][..], false),
            (&["gzip"], true),
            (&["identity", "br"], true),
        ] {
            let mut headers = HeaderMap::new();
            for coding in codings {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
            let verdict = read(&headers, chunks(1), 100, &InFlight::default()).await;
            assert_eq!(
                verdict.is_err_and(|reason| reason == Unreadable::Encoded),
                refused,
                "{codings:?}"
            );
        }
    }
}
