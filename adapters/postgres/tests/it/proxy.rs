//! A network between host and server that can be cut at a chosen byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Carries everything.
    Fair,
    /// Carries nothing, and says nothing of it: connections stay open.
    BlackHole,
}

/// A proxy on loopback.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    weather: watch::Sender<Weather>,
    cut_after_commit: Arc<AtomicBool>,
    cuts: Arc<AtomicU32>,
}

impl Proxy {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather::Fair);
        let cut_after_commit = Arc::new(AtomicBool::new(false));
        let cuts = Arc::new(AtomicU32::new(0));
        let (seen, cut, count) = (weather.clone(), Arc::clone(&cut_after_commit), Arc::clone(&cuts));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                let (seen, cut, count) = (seen.subscribe(), Arc::clone(&cut), Arc::clone(&count));
                tokio::spawn(carry(client, server, seen, cut, count));
            }
        });
        Self {
            address,
            weather,
            cut_after_commit,
            cuts,
        }
    }

    /// The address of a database, by way of this proxy.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address)
    }

    pub(super) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// The next `COMMIT` reaches the server, and its answer does not come back.
    pub(super) fn cut_after_commit(&self) {
        self.cut_after_commit.store(true, Ordering::SeqCst);
    }

    /// How often that has happened.
    pub(super) fn cuts(&self) -> u32 {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    mut weather: watch::Receiver<Weather>,
    cut: Arc<AtomicBool>,
    cuts: Arc<AtomicU32>,
) {
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        if *weather.borrow() == Weather::BlackHole {
            // Neither reads nor closes: the peers see silence.
            if weather.changed().await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(bytes @ 1..) = read else { return };
                let is_commit = up[..bytes].windows(7).any(|window| window == b"COMMIT\0");
                if server.write_all(&up[..bytes]).await.is_err() {
                    return;
                }
                if is_commit && cut.swap(false, Ordering::SeqCst) {
                    // Time enough for the server to do it.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    cuts.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(bytes @ 1..) = read else { return };
                if client.write_all(&down[..bytes]).await.is_err() {
                    return;
                }
            }
            _ = weather.changed() => {}
        }
    }
}
