use std::{borrow::Cow, fmt, time::Duration};

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use crate::ConfigError;

/// How long making a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// A connection that says nothing is asked whether it still lives; two questions without an answer end it.
const PING_EVERY: Duration = Duration::from_secs(5);

const WRONG_URL: ConfigError = ConfigError {
    name: "url",
    problem: "must be nats://host:4222 or tls://host:4222",
};

/// Where NATS is, and how it is used.
#[derive(Clone)]
#[non_exhaustive]
pub struct NatsConfig {
    /// `nats://user:password@host:4222`, or `tls://…` for an encrypted connection. Several servers of one cluster are
    /// separated by commas. A name without a password is a token.
    pub url: SecretString,
    /// What a `.creds` file holds, or the seed of an nkey, in place of a password.
    pub credentials: Option<SecretString>,
    /// Name of the stream, and of its subjects up to the first dot. Hubs that share a NATS server each need their own.
    pub stream: String,
    /// How often each queue is looked through in the database while the stream works: a job whose message was lost waits
    /// no longer than this and the worker's own pause.
    pub look_every: Duration,
    /// When a job that still waits is published again.
    pub publish_again_after: Duration,
    /// How many messages of one queue the stream may hold: a backlog stays in the database.
    pub room: usize,
}

impl NatsConfig {
    /// The server, with defaults for the rest: stream `feedback_jobs`, a look every 3 s, published again after 30 s, room
    /// for 1,024 messages of each queue.
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            credentials: None,
            stream: "feedback_jobs".to_owned(),
            look_every: Duration::from_secs(3),
            publish_again_after: Duration::from_secs(30),
            room: 1024,
        }
    }

    /// With what a `.creds` file holds, or an nkey's seed.
    #[must_use]
    pub fn with_credentials(mut self, credentials: SecretString) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// With another stream: letters, digits, `_` and `-`.
    #[must_use]
    pub fn with_stream(mut self, name: impl Into<String>) -> Self {
        self.stream = name.into();
        self
    }

    /// With another pause between two looks into the database.
    #[must_use]
    pub fn with_look_every(mut self, pause: Duration) -> Self {
        self.look_every = pause;
        self
    }

    /// With another time after which a waiting job is published again.
    #[must_use]
    pub fn with_publish_again_after(mut self, time: Duration) -> Self {
        self.publish_again_after = time;
        self
    }

    /// With room for this many messages of each queue; at least one.
    #[must_use]
    pub fn with_room(mut self, messages: usize) -> Self {
        self.room = messages.max(1);
        self
    }

    /// Looks whether it can be used, without any I/O.
    ///
    /// # Errors
    /// [`ConfigError`] names the field.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.servers()?;
        self.options()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.stream.is_empty() || !self.stream.chars().all(plain) {
            return Err(ConfigError {
                name: "stream",
                problem: "must be made of letters, digits, _ and -",
            });
        }
        Ok(())
    }

    pub(crate) fn servers(&self) -> Result<Vec<ServerAddr>, ConfigError> {
        let parts = self.url.expose_secret().split(',').map(str::trim);
        parts.map(server).collect()
    }

    pub(crate) fn options(&self) -> Result<ConnectOptions, ConfigError> {
        let options = ConnectOptions::new()
            .name("feedback-hub")
            .connection_timeout(CONNECT_LIMIT)
            .ping_interval(PING_EVERY)
            // A lost connection is left, and made anew by whoever holds the link: nothing is kept in between that would be
            // sent late.
            .max_reconnects(1);
        let Some(credentials) = &self.credentials else {
            return self.with_login(options);
        };
        let text = credentials.expose_secret().trim();
        if text.contains("-----BEGIN") {
            return options.credentials(text).map_err(|_| ConfigError {
                name: "credentials",
                problem: "cannot be read as a .creds file",
            });
        }
        // The seed of a user: read when the first connection is made, so its shape is looked at here.
        let is_seed =
            text.starts_with("SU") && text.len() == 58 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_seed {
            return Err(ConfigError {
                name: "credentials",
                problem: "must be what a .creds file holds, or the seed of a user's nkey",
            });
        }
        Ok(options.nkey(text.to_owned()))
    }

    /// Name and password, or a token alone, out of the first address: the client itself leaves them unread.
    fn with_login(&self, options: ConnectOptions) -> Result<ConnectOptions, ConfigError> {
        let servers = self.servers()?;
        let login = |server: &ServerAddr| Some((server.username()?.to_owned(), server.password().map(str::to_owned)));
        let Some((name, password)) = servers.iter().find_map(login) else {
            return Ok(options);
        };
        let name = decoded(&name)?;
        Ok(match password {
            Some(password) => options.user_and_password(name, decoded(&password)?),
            None => options.token(name),
        })
    }
}

/// A part of an address as it was meant.
fn decoded(part: &str) -> Result<String, ConfigError> {
    let text = percent_decode_str(part).decode_utf8();
    text.map(Cow::into_owned).map_err(|_| WRONG_URL)
}

fn server(part: &str) -> Result<ServerAddr, ConfigError> {
    // Without a scheme the client would take it for nats://, which is not what somebody meant who forgot tls://.
    if !part.starts_with("nats://") && !part.starts_with("tls://") {
        return Err(WRONG_URL);
    }
    let address = part.parse::<ServerAddr>().map_err(|_| WRONG_URL)?;
    if address.host().is_empty() || !matches!(address.clone().into_inner().path(), "" | "/") {
        return Err(WRONG_URL);
    }
    Ok(address)
}

impl fmt::Debug for NatsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without address and credentials.
        f.debug_struct("NatsConfig")
            .field("stream", &self.stream)
            .field("look_every", &self.look_every)
            .field("publish_again_after", &self.publish_again_after)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(config: NatsConfig) -> Option<&'static str> {
        config.check().err().map(|error| error.name)
    }

    #[test]
    fn what_cannot_be_used_is_told_by_name() {
        let of = |url: &str| NatsConfig::new(url.into());
        for good in [
            "nats://nats.example",
            "tls://user:pass@nats.example:4223/",
            "nats://a:1, nats://b:2",
        ] {
            assert_eq!(problem(of(good)), None, "{good}");
        }
        for bad in [
            "",
            "nats.example:4222",
            "http://a",
            "nats://",
            "nats://a/jobs",
            "ws://a",
            "nats://a,",
        ] {
            assert_eq!(problem(of(bad)), Some("url"), "{bad}");
        }
        let named = |name: &str| problem(of("nats://a").with_stream(name));
        assert_eq!(named("hub-2_jobs"), None);
        assert_eq!([named(""), named("a.b"), named("a b"), named("*")], [Some("stream"); 4]);
        let opened = |text: &str| problem(of("nats://a").with_credentials(text.into()));
        assert_eq!(
            opened("SUACH75SWCM5D2JMJM6EKLR2WDARVGZT4QC6LX3AGHSWOMVAKERABBBRWM"),
            None
        );
        assert_eq!(
            [
                opened("SUA"),
                opened("password"),
                opened("-----BEGIN NATS USER JWT-----")
            ],
            [Some("credentials"); 3]
        );
    }

    #[test]
    fn neither_address_nor_credentials_are_shown() {
        let config = NatsConfig::new("nats://hub:secret@nats.example".into()).with_credentials("SUA-secret".into());
        let shown = format!("{config:?} {:?}", config.check());
        assert!(!shown.contains("secret") && !shown.contains("nats.example"), "{shown}");
    }
}
