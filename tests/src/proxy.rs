//! A TCP proxy between the host and a provider, which holds bytes back where a test says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the proxy does with the bytes between two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: all of them pass.
    Nothing,
    /// Those of the client: it is connected, and its request arrives nowhere.
    Requests,
    /// The answer to a request that has its effect.
    Answers,
    /// The answer from its fifth byte on.
    AnswersAfterTheirBeginning,
}

/// A listener on loopback that passes bytes on.
#[derive(Debug, Clone)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: String,
    hold: Mutex<Hold>,
    /// What an answer begins with that is held: others pass.
    answer: &'static [u8],
    connected: AtomicUsize,
    begun: AtomicUsize,
}

impl Proxy {
    /// A proxy before `target` (`host:port`). An answer is told by what it begins with: `HTTP/1.1`, or a mail server's last word.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn start(target: &str, answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            hold: Mutex::new(Hold::Nothing),
            answer,
            connected: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
        });
        let of_listener = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                of_listener.connected.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(Arc::clone(&of_listener).pass(client));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, holds these bytes back. What is held already stays held.
    pub fn hold(&self, hold: Hold) {
        *self.shared.hold() = hold;
        self.shared.connected.store(0, Ordering::SeqCst);
        self.shared.begun.store(0, Ordering::SeqCst);
    }

    /// How many clients have connected since it was told what to hold.
    pub fn connected(&self) -> usize {
        self.shared.connected.load(Ordering::SeqCst)
    }

    /// How many answers have begun to pass since then.
    pub fn begun(&self) -> usize {
        self.shared.begun.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(self: Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.target).await else {
            return;
        };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let up = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                if *self.hold() == Hold::Requests {
                    std::future::pending::<()>().await;
                }
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        };
        let down = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                let bytes = &buffer[..read];
                let hold = *self.hold();
                let is_answer = bytes.starts_with(self.answer);
                if is_answer && hold == Hold::Answers {
                    std::future::pending::<()>().await;
                }
                if is_answer && hold == Hold::AnswersAfterTheirBeginning {
                    let beginning = to_client.write_all(&bytes[..read.min(4)]).await;
                    self.begun.fetch_add(1, Ordering::SeqCst);
                    if beginning.is_ok() {
                        std::future::pending::<()>().await;
                    }
                }
                if to_client.write_all(bytes).await.is_err() {
                    break;
                }
                self.begun.fetch_add(usize::from(is_answer), Ordering::SeqCst);
            }
        };
        // Either side that hangs up ends both.
        tokio::select! { () = up => {}, () = down => {} }
    }
}
