//! Where strangers' bytes arrive: who may connect, how long a connection may dawdle, and when it has to go. What a route
//! takes, and how large its bodies may be, the routers decide.
//!
//! axum's own server has no limit on connections, headers or idling, so the loop is ours, on the same hyper.

mod framing;
mod request;
mod room;
mod stream;

use std::{convert::Infallible, io, pin::pin, time::Duration};

use axum::Router;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{
    room::{Full, Place, Room},
    stream::Patient,
};

/// How much patience there is with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Of these, from one peer.
    pub(crate) connections_per_peer: usize,
    /// From the connection, or from the first byte of a further request, to the end of its header.
    pub(crate) head_time: Duration,
    /// Between an answer and the next request's header.
    pub(crate) idle_time: Duration,
    /// A header with its request line; more is 431. hyper's own limit of 100 fields holds beside it.
    pub(crate) head_bytes: usize,
    /// From the first look at a body to its end.
    pub(crate) body_time: Duration,
    /// How long a body may be slower than `body_bytes_per_second`.
    pub(crate) body_grace: Duration,
    /// What a body must bring on average after its grace.
    pub(crate) body_bytes_per_second: u32,
    /// How long a peer may take nothing of its answer.
    pub(crate) stalled_time: Duration,
    /// How long requests that run may go on after a stop.
    pub(crate) drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_peer: 64,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(30),
            head_bytes: 64 << 10,
            body_time: Duration::from_secs(15),
            body_grace: Duration::from_secs(5),
            body_bytes_per_second: 1024,
            stalled_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(20),
        }
    }
}

/// Peers that are told at once that the hub is full. More than these are hung up on without a word.
const TOLD_AT_ONCE: usize = 64;

/// How long a peer that is turned away has for reading why.
const TOLD_TIME: Duration = Duration::from_secs(1);

/// What a peer is told for whom there is no place.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Without open files or memory, asking again at once would only burn the processor that could free some.
const PAUSE_WITHOUT_RESOURCES: Duration = Duration::from_millis(100);

/// Serves until `stop`, then lets what runs finish within the drain time, and drops the rest.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let room = Room::new(limits.connections, limits.connections_per_peer);
    serve_in(room, listener, router, limits, stop).await;
}

async fn serve_in(room: Room, listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    let mut turned_away = JoinSet::new();
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            Some(_) = turned_away.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                failing = false;
                match room.enter(peer.ip()) {
                    Ok(place) => {
                        connections.spawn(converse(stream, router.clone(), limits, stop.clone(), place));
                    }
                    Err(full) => {
                        let labels = [("reason", full.as_str())];
                        metrics::counter!("feedback_connections_refused_total", &labels).increment(1);
                        if turned_away.len() < TOLD_AT_ONCE {
                            turned_away.spawn(turn_away(stream));
                        }
                    }
                }
            }
            Err(error) => {
                let Some(pause) = pause_after(&error) else { continue };
                if !failing {
                    tracing::error!(%error, "cannot take connections now; trying on");
                }
                failing = true;
                stop.run_until_cancelled(sleep(pause)).await;
            }
        }
    }
    drop(listener);
    let drained = timeout(limits.drain_time, async {
        while connections.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "some requests did not finish in time");
    }
    connections.shutdown().await;
}

/// How long to wait after `accept` failed: not at all where the fault was the one peer's.
fn pause_after(error: &io::Error) -> Option<Duration> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let of_the_peer = matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    );
    (!of_the_peer).then_some(PAUSE_WITHOUT_RESOURCES)
}

/// One connection, from its first byte to its last.
async fn converse(stream: TcpStream, router: Router, limits: Limits, stop: CancellationToken, place: Place) {
    // Answers are small and complete: waiting for more to send with them only makes them late.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |asked| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(request::answer(router, asked, limits).await) }
    });
    let mut builder = http1::Builder::new();
    // hyper's limit runs from the end of an answer on, so it is the one for idling; `Patient` times the header itself.
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_time)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Patient::new(stream, limits)), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

/// Says that there is no place, and waits for the peer to have read it: closing over unread bytes would take it back.
async fn turn_away(mut stream: TcpStream) {
    let told = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await?;
        let mut ignored = [0; 1024];
        while stream.read(&mut ignored).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever is gone already does not need to be told.
    let _ = timeout(TOLD_TIME, told).await;
}

impl Full {
    /// The name in metrics.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub_full",
            Self::Peer => "peer_full",
        }
    }
}

#[cfg(test)]
mod tests;
