//! What a sender sees on the wire: bodies that are announced, endless, or never come.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::world::World;

/// Serves the world's routers, and gives a connection to them.
async fn connected(world: &World) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = world.app.clone();
    tokio::spawn(async move { axum::serve(listener, app).await });
    TcpStream::connect(address).await.unwrap()
}

/// Everything that comes until the server closes the connection.
async fn until_closed(mut connection: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = connection.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .expect("the server closes the connection")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn f52_an_announced_giant_is_refused_before_a_byte_of_it_and_the_connection_is_closed() {
    let world = World::new().await;
    let mut connection = connected(&world).await;
    let head =
        "POST /webhooks/slack HTTP/1.1\r\nhost: hub.test\r\ncontent-length: 5368709120\r\nexpect: 100-continue\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    let answer = until_closed(connection).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn f52_an_endless_chunked_body_is_refused_at_the_cap_and_the_connection_is_closed() {
    let world = World::new().await;
    let mut connection = connected(&world).await;
    let head = "POST /webhooks/slack HTTP/1.1\r\nhost: hub.test\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    // One chunk past the cap, and no end: who waits for the end waits for ever.
    for _ in 0..17 {
        connection.write_all(chunk.as_bytes()).await.unwrap();
    }
    let answer = until_closed(connection).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_signed_delivery_passes_and_the_connection_stays_open() {
    let world = World::new().await;
    let mut connection = connected(&world).await;
    let body = crate::world::slack_message_body("1767603600.000100", "printer on fire");
    let signature = crate::world::slack_signature(crate::world::SLACK_SECRET, "1767603600", body.as_bytes());
    let request = format!(
        "POST /webhooks/slack HTTP/1.1\r\nhost: hub.test\r\ncontent-type: application/json\r\nx-slack-signature: {signature}\r\n\
         x-slack-request-timestamp: 1767603600\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..2 {
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 15];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        let mut rest = Vec::new();
        while !rest.ends_with(b"\r\n\r\n") {
            rest.push(connection.read_u8().await.unwrap());
        }
    }
    assert_eq!(world.store.all_tickets().len(), 1);
}
