//! Fetches files whose addresses came with messages: somebody outside chose them.
//!
//! What keeps such an address from reaching our own network: [`FileHosts`] says which hosts are asked at all; the name is
//! resolved once, each resolved address has to be public, and the connection goes to those very addresses; nothing follows a
//! redirect; the answer is read up to a limit and a moment, whatever it says of itself.

use std::{
    error::Error,
    fmt, io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use feedback_core::ports::{FetchLimits, FetchedFile, PortError, PortErrorKind};
use futures::{FutureExt, future::BoxFuture};
use reqwest::{
    Method, Request, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
    redirect::Policy,
};
use rustls::crypto::CryptoProvider;

use crate::{Bearer, ConfigError, FileHosts, HttpClientConfig, client::failure, is_public, kind_of, retry_after};

/// Longest time for name resolution, connect and TLS together.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Turns names into addresses: the system, or a test.
pub(crate) type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Fetches a provider's files. Cloning shares it.
#[derive(Clone)]
pub struct FileClient {
    /// To the provider: public addresses alone.
    outside: reqwest::Client,
    /// To a stand-in that the operator configured, on loopback.
    stand_in: reqwest::Client,
    hosts: FileHosts,
}

impl FileClient {
    /// Makes a client. No I/O.
    ///
    /// # Errors
    /// [`ConfigError::NoTlsProvider`] where the host installed none; [`ConfigError::Client`] where the parts do not fit.
    pub fn new(hosts: FileHosts) -> Result<Self, ConfigError> {
        let look_up: LookUp =
            Arc::new(|name| async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed());
        Self::with_look_up(hosts, look_up)
    }

    pub(crate) fn with_look_up(hosts: FileHosts, look_up: LookUp) -> Result<Self, ConfigError> {
        // reqwest would panic.
        if CryptoProvider::get_default().is_none() {
            return Err(ConfigError::NoTlsProvider);
        }
        let plain = || {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_LIMIT)
                .user_agent(HttpClientConfig::default().user_agent)
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .retry(reqwest::retry::never())
                // A connection that is kept would outlive the check of its address.
                .pool_max_idle_per_host(0)
        };
        let outside = plain()
            .https_only(true)
            .dns_resolver(Arc::new(PublicOnly(look_up)))
            .build()
            .map_err(ConfigError::Client)?;
        Ok(Self {
            outside,
            stand_in: plain().build().map_err(ConfigError::Client)?,
            hosts,
        })
    }

    /// Whether an address is one that [`fetch`](Self::fetch) would ask.
    pub fn admits(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| self.hosts.admits(&url))
    }

    /// Fetches a file. `operation` is named `area.verb` (`slack.fetch`). The token goes to its own host alone.
    ///
    /// # Errors
    /// `Rejected` for what is not fetched for safety, with the codes of [`FileSource`](feedback_core::ports::FileSource);
    /// `NotFound` for 404 and 410, and for 401 and 403 where no token was sent (a signed address that ran out); else by the
    /// status, or as any call.
    #[tracing::instrument(name = "http.fetch", skip_all, fields(operation))]
    pub async fn fetch(
        &self,
        operation: &'static str,
        address: &str,
        token: Option<&Bearer>,
        limits: &FetchLimits,
    ) -> Result<FetchedFile, PortError> {
        let begun = Instant::now();
        let fetch = self.exchange(operation, address, token, limits);
        let result = tokio::time::timeout(limits.time, fetch)
            .await
            .unwrap_or_else(|_| Err(PortError::new(PortErrorKind::Unknown, operation).with_code("timeout")));
        let outcome = match &result {
            Ok(_) => "ok",
            Err(error) if error.kind() == PortErrorKind::Rejected => "refused",
            Err(_) => "failed",
        };
        metrics::histogram!("feedback_provider_call_seconds", "operation" => operation, "outcome" => outcome)
            .record(begun.elapsed());
        result
    }

    async fn exchange(
        &self,
        operation: &'static str,
        address: &str,
        token: Option<&Bearer>,
        limits: &FetchLimits,
    ) -> Result<FetchedFile, PortError> {
        let url = Url::parse(address).map_err(|_| refused(operation, "bad_reference"))?;
        if !self.hosts.admits(&url) {
            return Err(refused(operation, "foreign_address"));
        }
        let client = if self.hosts.is_stand_in(&url) {
            &self.stand_in
        } else {
            &self.outside
        };
        let token = token.filter(|_| self.hosts.takes_token(&url));
        let mut request = Request::new(Method::GET, url);
        // Packed answers could grow without end when they are unpacked; nothing here unpacks.
        request
            .headers_mut()
            .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token.value());
        }
        let response = client.execute(request).await.map_err(|error| {
            if leads_inside(&error) {
                refused(operation, "forbidden_address")
            } else {
                failure(operation, error)
            }
        })?;
        check(operation, &response, token.is_some())?;
        read(operation, response, limits.max_bytes).await
    }
}

impl fmt::Debug for FileClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileClient")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

fn check(operation: &'static str, response: &Response, with_token: bool) -> Result<(), PortError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(refused(operation, "redirected"));
    }
    if !status.is_success() {
        let kind = match status.as_u16() {
            401 | 403 if !with_token => PortErrorKind::NotFound,
            // A read has no version that somebody else could have changed.
            409 => PortErrorKind::Unavailable,
            _ => kind_of(status, retry_after(response.headers())),
        };
        return Err(PortError::new(kind, operation).with_code(format!("http_{}", status.as_u16())));
    }
    let packed = response.headers().get(CONTENT_ENCODING);
    if packed.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(refused(operation, "encoded"));
    }
    Ok(())
}

async fn read(operation: &'static str, mut response: Response, max_bytes: usize) -> Result<FetchedFile, PortError> {
    // What the answer says of its length saves a download; it is not believed.
    if response
        .content_length()
        .is_some_and(|length| length > max_bytes as u64)
    {
        return Err(refused(operation, "too_large"));
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failure(operation, error))? {
        if bytes.len() + piece.len() > max_bytes {
            return Err(refused(operation, "too_large"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(FetchedFile { bytes, content_type })
}

fn refused(operation: &'static str, code: &str) -> PortError {
    PortError::new(PortErrorKind::Rejected, operation).with_code(code)
}

/// Resolves a name once for each connection and gives its addresses only if all of them are public: who mixes a private one in
/// is not asked at all.
struct PublicOnly(LookUp);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = found.await?;
            if addresses.iter().any(|address| !is_public(address.ip())) {
                return Err(LeadsInside.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A name of a provider that leads to an address that is not public.
#[derive(Debug)]
struct LeadsInside;

impl fmt::Display for LeadsInside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address that is not public")
    }
}

impl Error for LeadsInside {}

fn leads_inside(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<LeadsInside>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::BaseUrl;

    /// A listener that counts who connects, answers with the same bytes (again and again where they are endless) and keeps what
    /// it was asked.
    struct Canary {
        port: u16,
        hits: Arc<AtomicUsize>,
        heard: Arc<Mutex<String>>,
    }

    impl Canary {
        async fn start(answer: Vec<u8>, endless: bool) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let (hits, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
            let (counted, kept) = (Arc::clone(&hits), Arc::clone(&heard));
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let (answer, kept) = (answer.clone(), Arc::clone(&kept));
                    tokio::spawn(async move {
                        let mut buffer = vec![0; 16 * 1024];
                        let read = stream.read(&mut buffer).await.unwrap_or(0);
                        kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
                        stream.write_all(&answer).await.ok();
                        while endless && stream.write_all(&[b'a'; 16 * 1024]).await.is_ok() {}
                    });
                }
            });
            Self { port, hits, heard }
        }

        fn base(&self) -> BaseUrl {
            BaseUrl::parse(&format!("http://127.0.0.1:{}/api", self.port)).unwrap()
        }

        fn hits(&self) -> usize {
            self.hits.load(Ordering::SeqCst)
        }
    }

    fn token() -> Bearer {
        Bearer::new(&"xoxb-secret".into()).unwrap()
    }

    fn client(hosts: FileHosts, look_up: LookUp) -> FileClient {
        rustls::crypto::ring::default_provider().install_default().ok();
        FileClient::with_look_up(hosts, look_up).unwrap()
    }

    fn nowhere() -> LookUp {
        Arc::new(|_| async { Err(io::Error::other("no name is resolved here")) }.boxed())
    }

    fn stand_in(canary: &Canary) -> FileClient {
        let hosts = FileHosts::new(&[], &[]).with_token_for("files.example.test");
        client(hosts.and_stand_in(&canary.base()), nowhere())
    }

    async fn fetched(client: &FileClient, address: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError> {
        let result = client.fetch("test.fetch", address, Some(&token()), limits).await;
        if let Err(error) = &result {
            let mut shown = format!("{error} {error:?}");
            let mut next = error.source();
            while let Some(source) = next {
                shown.push_str(&format!(" {source} {source:?}"));
                next = source.source();
            }
            assert!(!shown.contains("secret") && !shown.contains("hidden-path"), "{shown}");
        }
        result
    }

    async fn code(client: &FileClient, address: &str) -> (PortErrorKind, String) {
        let error = fetched(client, address, &FetchLimits::default()).await.unwrap_err();
        (error.kind(), error.code().unwrap_or_default().to_owned())
    }

    #[tokio::test]
    async fn a_file_of_the_stand_in_comes_whole_and_with_the_token() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 3\r\n\r\nPNG".to_vec();
        let canary = Canary::start(answer, false).await;
        let address = format!("http://127.0.0.1:{}/files/1", canary.port);
        let file = fetched(&stand_in(&canary), &address, &FetchLimits::default())
            .await
            .unwrap();
        assert_eq!(
            (file.bytes.as_slice(), file.content_type.as_deref()),
            (&b"PNG"[..], Some("image/png"))
        );
        let heard = canary.heard.lock().unwrap();
        assert!(heard.contains("authorization: Bearer xoxb-secret") && heard.contains("accept-encoding: identity"));
    }

    #[tokio::test]
    async fn f84_evil_addresses_reach_nobody() {
        let canary = Canary::start(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".to_vec(), false).await;
        let elsewhere = Canary::start(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".to_vec(), false).await;
        let client = stand_in(&elsewhere);
        let port = canary.port;
        for address in [
            format!("http://127.0.0.1:{port}/hidden-path"),
            format!("https://127.0.0.1:{port}/hidden-path"),
            format!("http://localhost:{port}/hidden-path"),
            format!("http://127.1:{port}/hidden-path"),
            format!("http://2130706433:{port}/hidden-path"),
            format!("http://0x7f000001:{port}/hidden-path"),
            format!("http://0177.0.0.1:{port}/hidden-path"),
            format!("http://0:{port}/hidden-path"),
            format!("http://[::1]:{port}/hidden-path"),
            format!("http://[::ffff:127.0.0.1]:{port}/hidden-path"),
            format!("http://[::ffff:7f00:1]:{port}/hidden-path"),
            format!("http://files.example.test@127.0.0.1:{port}/hidden-path"),
            format!("http://127.0.0.1:{}@127.0.0.1:{port}/hidden-path", elsewhere.port),
            format!("http://user:secret@127.0.0.1:{}/hidden-path", elsewhere.port),
            format!("https://files.example.test:{port}/hidden-path"),
            format!("http://files.example.test:{port}/hidden-path"),
            "http://169.254.169.254/latest/meta-data/hidden-path".to_owned(),
            "https://169.254.169.254/latest/meta-data/hidden-path".to_owned(),
            "file:///etc/passwd".to_owned(),
            "data:text/plain,hidden-path".to_owned(),
        ] {
            assert_eq!(
                code(&client, &address).await,
                (PortErrorKind::Rejected, "foreign_address".into()),
                "{address}"
            );
        }
        assert_eq!(code(&client, "hidden-path").await.1, "bad_reference");
        assert_eq!((canary.hits(), elsewhere.hits()), (0, 0));
    }

    #[tokio::test]
    async fn f84_a_redirect_is_not_followed() {
        let canary = Canary::start(Vec::new(), false).await;
        for status in [
            "301 Moved",
            "302 Found",
            "307 Temporary",
            "308 Permanent",
            "303 See",
            "300 Choose",
        ] {
            let answer = format!(
                "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n",
                canary.port
            );
            let provider = Canary::start(answer.into_bytes(), false).await;
            let address = format!("http://127.0.0.1:{}/hidden-path", provider.port);
            let refused = code(&stand_in(&provider), &address).await;
            assert_eq!(refused, (PortErrorKind::Rejected, "redirected".into()), "{status}");
            assert_eq!(provider.hits(), 1);
        }
        assert_eq!(canary.hits(), 0);
    }

    #[tokio::test]
    async fn f84_a_name_that_turns_to_an_inner_address_reaches_nobody() {
        let canary = Canary::start(Vec::new(), false).await;
        let inner: SocketAddr = ([127, 0, 0, 1], canary.port).into();
        // Public addresses that answer nobody: documentation would be refused, and a real one would be called.
        let outer: SocketAddr = ([192, 0, 1, 1], 1).into();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let flipping: LookUp = Arc::new(move |_| {
            let turn = counted.fetch_add(1, Ordering::SeqCst);
            async move { Ok(if turn == 0 { vec![outer] } else { vec![inner] }) }.boxed()
        });
        let flipped = client(FileHosts::new(&["files.example.test"], &[]), flipping);
        let limits = FetchLimits {
            time: Duration::from_millis(300),
            ..FetchLimits::default()
        };
        // The first answer is public, and what is connected to is that answer: the name is not asked for a second time.
        let first = fetched(&flipped, "https://files.example.test/hidden-path", &limits)
            .await
            .unwrap_err();
        assert_ne!(first.code(), Some("forbidden_address"));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "one resolution for a connection");
        let later = code(&flipped, "https://files.example.test/hidden-path").await;
        assert_eq!(later, (PortErrorKind::Rejected, "forbidden_address".into()));

        let mixed: LookUp = Arc::new(move |_| async move { Ok(vec![outer, inner]) }.boxed());
        let mixed = client(FileHosts::new(&["files.example.test"], &[]), mixed);
        assert_eq!(
            code(&mixed, "https://files.example.test/hidden-path").await.1,
            "forbidden_address"
        );
        assert_eq!(canary.hits(), 0);
    }

    #[tokio::test]
    async fn f84_huge_endless_slow_and_packed_files_end_at_the_limit() {
        let address = |canary: &Canary| format!("http://127.0.0.1:{}/hidden-path", canary.port);
        let small = FetchLimits {
            max_bytes: 64 * 1024,
            time: Duration::from_secs(5),
        };
        for head in [
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            // It says nothing of its length, or lies.
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFF\r\n",
        ] {
            let canary = Canary::start(head.into(), true).await;
            let error = fetched(&stand_in(&canary), &address(&canary), &small)
                .await
                .unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (PortErrorKind::Rejected, Some("too_large")),
                "{head}"
            );
        }
        let packed = Canary::start(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx".to_vec(),
            false,
        )
        .await;
        assert_eq!(code(&stand_in(&packed), &address(&packed)).await.1, "encoded");

        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", silent.local_addr().unwrap());
        let hosts = FileHosts::new(&[], &[]).and_stand_in(&BaseUrl::parse(&base).unwrap());
        let limits = FetchLimits {
            time: Duration::from_millis(200),
            ..small
        };
        let begun = Instant::now();
        let error = fetched(&client(hosts, nowhere()), &base, &limits).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (PortErrorKind::Unknown, Some("timeout")));
        assert!(begun.elapsed() < Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_signed_address_that_ran_out_is_gone_and_a_refused_token_is_a_broken_connection() {
        let forbidden = Canary::start(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_vec(), false).await;
        let address = format!("http://127.0.0.1:{}/x", forbidden.port);
        assert_eq!(
            code(&stand_in(&forbidden), &address).await.0,
            PortErrorKind::Unauthorized
        );
        let without = client(FileHosts::new(&[], &[]).and_stand_in(&forbidden.base()), nowhere());
        assert_eq!(
            code(&without, &address).await,
            (PortErrorKind::NotFound, "http_403".into())
        );
        assert!(!forbidden.heard.lock().unwrap().ends_with("secret"));
    }
}
