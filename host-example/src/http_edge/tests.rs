//! The edge on a real socket, with little patience.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    body::Bytes,
    http::StatusCode,
    routing::{get, post},
};
use tokio::{
    net::TcpSocket,
    task::JoinHandle,
    time::{Instant, interval},
};

use super::*;

/// Long enough for a busy machine, short enough for a test.
const LONG: Duration = Duration::from_secs(10);

const GET: &str = "GET /count HTTP/1.1\r\nHost: a\r\n\r\n";

fn patience() -> Limits {
    Limits {
        head_time: Duration::from_millis(300),
        idle_time: Duration::from_millis(600),
        body_time: Duration::from_millis(900),
        body_grace: Duration::from_millis(300),
        stalled_time: Duration::from_millis(300),
        drain_time: Duration::from_millis(600),
        ..Limits::default()
    }
}

struct Edge {
    address: SocketAddr,
    room: Room,
    /// Requests that a route has seen.
    seen: Arc<AtomicUsize>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Edge {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<AtomicUsize>::default();
        let counted = {
            let seen = Arc::clone(&seen);
            move || seen.fetch_add(1, Ordering::SeqCst)
        };
        let router = Router::new()
            .route("/count", {
                let counted = counted.clone();
                get(async move || (counted() + 1).to_string())
            })
            .route(
                "/length",
                post(async move |body: Bytes| {
                    counted();
                    body.len().to_string()
                }),
            )
            .route("/much", get(async || vec![0; 64 << 20]))
            .route(
                "/slow",
                get(async || {
                    sleep(Duration::from_millis(400)).await;
                    "done"
                }),
            )
            .route("/forever", get(async || std::future::pending::<StatusCode>().await));
        let room = Room::new(limits.connections, limits.connections_per_peer);
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve_in(room.clone(), listener, router, limits, stop.clone()));
        Self {
            address,
            room,
            seen,
            stop,
            running,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect_from(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends it on a connection of its own, and reads until the edge closes.
    async fn tell(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        until_closed(&mut stream).await
    }

    async fn is_empty(&self) {
        let empty = async {
            while self.room.taken_places() != (0, 0) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, empty).await.expect("all places are given back");
    }
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .expect("the edge closes the connection")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads one answer that has a short body, and leaves the connection open.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = async {
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            assert_ne!(
                stream.read_buf(&mut answer).await.unwrap(),
                0,
                "closed without an answer"
            );
        }
    };
    timeout(LONG, read).await.expect("the edge answers");
    String::from_utf8(answer).unwrap()
}

/// Whether the edge closes after that long, and not before.
fn closed_after(since: Instant, limit: Duration) {
    let took = since.elapsed();
    assert!(took >= limit.mul_f32(0.9), "closed after {took:?}, before {limit:?}");
    assert!(
        took < limit + Duration::from_secs(5),
        "closed after {took:?}, long after {limit:?}"
    );
}

#[tokio::test]
async fn f53_a_peer_who_says_nothing_or_drips_a_header_is_let_go_at_the_limit() {
    let edge = Edge::start(Limits {
        idle_time: LONG,
        ..patience()
    })
    .await;
    let since = Instant::now();
    let mut silent = edge.connect().await;
    assert_eq!(until_closed(&mut silent).await, "");
    closed_after(since, patience().head_time);

    let since = Instant::now();
    let (mut reading, mut writing) = edge.connect().await.into_split();
    let dripping = tokio::spawn(async move {
        let mut tick = interval(Duration::from_millis(20));
        writing.write_all(b"GET /count HTTP/1.1\r\nHost: a\r\nX: ").await?;
        loop {
            tick.tick().await;
            writing.write_all(b"x").await?;
        }
        #[expect(unreachable_code, reason = "names the type of the error")]
        io::Result::Ok(())
    });
    let mut answer = Vec::new();
    // A reset says the same as an end: bytes were still under way.
    let _ = timeout(LONG, reading.read_to_end(&mut answer)).await.expect("closed");
    closed_after(since, patience().head_time);
    assert!(dripping.await.unwrap().is_err());
    assert_eq!((answer, edge.seen.load(Ordering::SeqCst)), (Vec::new(), 0));
}

#[tokio::test]
async fn f53_a_connection_may_idle_between_requests_up_to_its_limit() {
    let edge = Edge::start(patience()).await;
    let mut stream = edge.connect().await;
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        // Longer than a header may take, shorter than idling may.
        sleep(Duration::from_millis(400)).await;
    }
    let since = Instant::now();
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 200"));
    closed_after(since, patience().idle_time);
    assert_eq!(edge.seen.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn f53_the_header_of_a_further_request_has_no_more_time_than_the_first() {
    let edge = Edge::start(Limits {
        idle_time: LONG,
        ..patience()
    })
    .await;
    let mut stream = edge.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    one_answer(&mut stream).await;
    sleep(Duration::from_millis(400)).await;
    let since = Instant::now();
    stream.write_all(b"GET /co").await.unwrap();
    assert_eq!(until_closed(&mut stream).await, "");
    closed_after(since, patience().head_time);
}

#[tokio::test]
async fn every_header_has_its_own_time() {
    let edge = Edge::start(Limits {
        idle_time: LONG,
        ..patience()
    })
    .await;
    let mut stream = edge.connect().await;
    for _ in 0..3 {
        let (begin, rest) = GET.as_bytes().split_at(10);
        stream.write_all(begin).await.unwrap();
        sleep(Duration::from_millis(50)).await;
        stream.write_all(rest).await.unwrap();
        assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        sleep(Duration::from_millis(400)).await;
    }
}

#[tokio::test]
async fn a_peer_who_is_answered_early_can_read_why_though_it_is_still_sending() {
    let edge = Edge::start(Limits::default()).await;
    let mut stream = edge.connect().await;
    stream
        .write_all(b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n")
        .await
        .unwrap();
    for _ in 0..10 {
        sleep(Duration::from_millis(20)).await;
        stream.write_all(&[b'x'; 60_000]).await.unwrap();
    }
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn f53_a_body_that_stops_or_drips_is_408_and_a_steady_one_is_read() {
    let limits = Limits {
        body_time: LONG,
        ..patience()
    };
    let edge = Edge::start(limits).await;
    let since = Instant::now();
    let answer = edge
        .tell(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("connection: close"),
        "{answer}"
    );
    closed_after(since, limits.body_grace);

    for (bytes_each, slow) in [(1, true), (400, false)] {
        let mut stream = edge.connect().await;
        let head = format!(
            "POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            8 * bytes_each
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..8 {
            sleep(Duration::from_millis(100)).await;
            // The slow one is answered before it is done.
            let _ = stream.write_all(&vec![b'x'; bytes_each]).await;
        }
        let answer = until_closed(&mut stream).await;
        let expected = if slow { "HTTP/1.1 408" } else { "HTTP/1.1 200" };
        assert!(answer.starts_with(expected), "{bytes_each} bytes each 100 ms: {answer}");
    }
}

#[tokio::test]
async fn f53_no_body_takes_longer_than_a_body_may() {
    let edge = Edge::start(patience()).await;
    let since = Instant::now();
    let mut stream = edge.connect().await;
    stream
        .write_all(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        .await
        .unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let steady = tokio::spawn(async move {
        while writing.write_all(&[b'x'; 1000]).await.is_ok() {
            sleep(Duration::from_millis(50)).await
        }
    });
    let mut answer = Vec::new();
    let _ = timeout(LONG, reading.read_to_end(&mut answer)).await.expect("closed");
    closed_after(since, patience().body_time);
    assert!(
        answer.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    steady.abort();
}

#[tokio::test]
async fn f53_a_peer_who_takes_nothing_of_its_answer_is_let_go() {
    let edge = Edge::start(patience()).await;
    let mut stream = edge.connect().await;
    let since = Instant::now();
    stream
        .write_all(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).await.unwrap();
    edge.is_empty().await;
    closed_after(since, patience().stalled_time);
}

#[tokio::test]
async fn f53_healthy_peers_are_answered_at_once_beside_hundreds_who_dawdle() {
    let edge = Edge::start(Limits {
        head_time: LONG,
        ..Limits::default()
    })
    .await;
    let mut dawdling = Vec::new();
    for last in 10..18 {
        for _ in 0..64 {
            dawdling.push(edge.connect_from(last).await);
        }
    }
    let mut took = Vec::new();
    for _ in 0..200 {
        let since = Instant::now();
        assert!(
            edge.tell(b"GET /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 200")
        );
        took.push(since.elapsed());
    }
    took.sort();
    assert!(
        took[197] < Duration::from_millis(100),
        "99 in 100 took up to {:?}",
        took[197]
    );
    assert!(edge.room.taken_places().0 >= 512, "the others are still there");
}

#[tokio::test]
async fn one_peer_too_many_is_told_when_to_come_again_and_others_are_served() {
    let edge = Edge::start(Limits {
        connections_per_peer: 2,
        connections: 3,
        ..Limits::default()
    })
    .await;
    let (mut first, _second) = (edge.connect_from(2).await, edge.connect_from(2).await);
    first.write_all(GET.as_bytes()).await.unwrap();
    one_answer(&mut first).await;
    // A header that names somebody else makes nobody somebody else (F63).
    let mut third = edge.connect_from(2).await;
    third
        .write_all(b"GET /count HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
        .await
        .unwrap();
    let answer = until_closed(&mut third).await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5"),
        "{answer}"
    );

    let mut other = edge.connect_from(3).await;
    other.write_all(GET.as_bytes()).await.unwrap();
    assert!(one_answer(&mut other).await.starts_with("HTTP/1.1 200"));
    assert!(
        until_closed(&mut edge.connect_from(4).await)
            .await
            .starts_with("HTTP/1.1 503"),
        "nobody else has a place"
    );

    drop(first);
    let again = async {
        loop {
            let mut again = edge.connect_from(2).await;
            again.write_all(GET.as_bytes()).await.unwrap();
            if one_answer(&mut again).await.starts_with("HTTP/1.1 200") {
                return;
            }
        }
    };
    timeout(LONG, again)
        .await
        .expect("a place that was given back can be taken");
}

#[tokio::test]
async fn f62_a_request_that_is_not_surely_one_is_refused_and_nothing_after_it_is_read() {
    let edge = Edge::start(Limits::default()).await;
    let post = "POST /length HTTP/1.1\r\nHost: a\r\n";
    let many = "X: 1\r\n".repeat(1000);
    let large = format!("X: {}\r\n", "x".repeat(100 << 10));
    for (request, status) in [
        (
            format!("{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (format!("{post}Content-Length: 0\r\nContent-Length: 33\r\n\r\n"), 400),
        (format!("{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n"), 400),
        (format!("{post}Content-Length: -1\r\n\r\n"), 400),
        (format!("{post}Transfer-Encoding: xchunked\r\n\r\n"), 400),
        (format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n"), 400),
        (format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400),
        (format!("{post}X: a\r\n b\r\n\r\n"), 400),
        (format!("{post}X: a\n\r\n"), 400),
        ("GET /count HTTP/1.1\nHost: a\n\n".to_owned(), 400),
        (format!("{post}X: a\0b\r\n\r\n"), 400),
        (format!("{post}X\0: a\r\n\r\n"), 400),
        (format!("{post}X: a\rb\r\n\r\n"), 400),
        (format!("{post}no colon\r\n\r\n"), 400),
        ("GET /count HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /count HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        ("GET /count HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(), 400),
        ("GET /count\r\n\r\n".to_owned(), 400),
        (format!("{post}{many}\r\n"), 431),
        (format!("{post}{large}\r\n"), 431),
    ] {
        let answer = edge.tell(format!("{request}{GET}").as_bytes()).await;
        let shown = &request[..request.len().min(200)];
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{shown:?}: {answer:?}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown:?}: {answer:?}");
    }
    let other_protocol = format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{GET}");
    assert_eq!(
        edge.tell(other_protocol.as_bytes()).await,
        "",
        "HTTP/2 is not spoken, not even to refuse"
    );
    assert_eq!(edge.seen.load(Ordering::SeqCst), 0, "no route has seen any of it");
}

#[tokio::test]
async fn f62_whole_requests_ahead_of_a_bad_one_are_answered_and_none_behind_it() {
    let edge = Edge::start(Limits::default()).await;
    let bad = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = edge.tell(format!("{GET}{GET}{bad}{GET}").as_bytes()).await;
    let statuses: Vec<_> = answer
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answer[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["200", "200", "400"]);
}

#[tokio::test]
async fn f62_nothing_is_read_behind_chunks() {
    let edge = Edge::start(Limits::default()).await;
    let chunks = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = edge.tell(format!("{chunks}{GET}").as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n3"),
        "{answer}"
    );
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(edge.seen.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f65_peers_who_leave_at_any_byte_leave_no_place_taken() {
    let edge = Edge::start(Limits::default()).await;
    let request = format!(
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{}{GET}",
        "x".repeat(40)
    );
    for round in 0..2000_usize {
        // Every byte some twenty times, some with a reset instead of an end.
        let mut stream = edge.connect_from(u8::try_from(2 + round % 100).unwrap()).await;
        let cut = round * 7919 % (request.len() + 1);
        stream.write_all(&request.as_bytes()[..cut]).await.unwrap();
        if round % 3 == 0 {
            stream.set_zero_linger().unwrap();
        }
    }
    edge.is_empty().await;
    assert!(
        edge.tell(b"GET /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn a_stop_lets_running_requests_finish_and_idle_connections_go() {
    let edge = Edge::start(Limits {
        drain_time: LONG,
        ..Limits::default()
    })
    .await;
    let mut slow = edge.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let (mut idle, mut silent) = (edge.connect().await, edge.connect().await);
    idle.write_all(GET.as_bytes()).await.unwrap();
    one_answer(&mut idle).await;
    let since = Instant::now();
    edge.stop.cancel();
    until_closed(&mut idle).await;
    until_closed(&mut silent).await;
    assert!(until_closed(&mut slow).await.ends_with("done"));
    edge.running.await.unwrap();
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "nobody is waited for who is not served"
    );
    assert!(TcpStream::connect(edge.address).await.is_err(), "nobody else is let in");
}

#[tokio::test]
async fn f53_a_stop_does_not_wait_longer_than_it_says() {
    let edge = Edge::start(patience()).await;
    let mut forever = edge.connect().await;
    forever
        .write_all(b"GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(100)).await;
    let since = Instant::now();
    edge.stop.cancel();
    timeout(LONG, edge.running).await.expect("the edge stops").unwrap();
    closed_after(since, patience().drain_time);
    assert_eq!(edge.room.taken_places(), (0, 0));
    assert_eq!(until_closed(&mut forever).await, "");
}

#[test]
fn only_a_fault_of_our_own_makes_accepting_wait() {
    assert_eq!(pause_after(&io::ErrorKind::ConnectionAborted.into()), None);
    // EMFILE: too many open files.
    assert_eq!(
        pause_after(&io::Error::from_raw_os_error(24)),
        Some(PAUSE_WITHOUT_RESOURCES)
    );
}
