//! What the adapter has to know.

use std::{fmt, net::IpAddr, time::Duration};

use lettre::{
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, TlsParameters},
    },
};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// The longest time that ports allow an operation.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A mail server, and who the mails are from.
#[derive(Clone)]
#[non_exhaustive]
pub struct EmailConfig {
    /// `smtp://` or `smtps://`, with user and password where the server wants them.
    pub url: SecretString,
    /// Who writes: an address, or `Name <address>`.
    pub from: String,
    /// Subject of a mail that answers none.
    pub subject: String,
    /// Where a person can say that they want no more: a `mailto:` or `https://` address.
    pub unsubscribe: Option<String>,
    /// A certificate authority of the company's own, in PEM; the public ones stay trusted. With one, a server on loopback has
    /// to speak TLS as well.
    pub authority: Option<String>,
    /// Longest time for one operation. 15 s; at most 20 s.
    pub timeout: Duration,
}

/// Why a configuration cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    /// Which setting.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl EmailConfig {
    /// A server and a sender, with defaults for the rest.
    pub fn new(url: impl Into<SecretString>, from: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            from: from.into(),
            subject: "Re: your report".to_owned(),
            unsubscribe: None,
            authority: None,
            timeout: Duration::from_secs(15),
        }
    }

    /// With another subject for mails that answer none.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// With an address for those who want no more.
    #[must_use]
    pub fn with_unsubscribe(mut self, address: impl Into<String>) -> Self {
        self.unsubscribe = Some(address.into());
        self
    }

    /// With a certificate authority of the company's own.
    #[must_use]
    pub fn with_authority(mut self, pem: impl Into<String>) -> Self {
        self.authority = Some(pem.into());
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for EmailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailConfig")
            .field("from", &self.from)
            .field("unsubscribe", &self.unsubscribe)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// How the bytes are protected.
#[derive(Clone)]
pub(crate) enum Protection {
    /// TLS from the first byte.
    Tls(TlsParameters),
    /// STARTTLS or nothing.
    StartTls(TlsParameters),
    /// In the clear: the server is on this machine.
    Loopback,
}

/// A configuration that was checked.
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) protection: Protection,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) from: Mailbox,
    pub(crate) subject: String,
    pub(crate) unsubscribe: Option<String>,
    pub(crate) timeout: Duration,
}

impl Server {
    pub(crate) fn check(config: EmailConfig) -> Result<Self, ConfigError> {
        let url = Url::parse(config.url.expose_secret()).map_err(|_| wrong("url", "it is not an address"))?;
        let host = url.host().ok_or(wrong("url", "it names no server"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("url", "there is more behind the server's name"));
        }
        // Addresses of this scheme are not read as those of the web: an IPv4 address comes as a name.
        let name = match &host {
            Host::Ipv6(address) => address.to_string(),
            other => other.to_string().to_ascii_lowercase(),
        };
        let is_loopback = match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => name == "localhost",
        };
        let tls = tls_of(&name, config.authority.as_deref())?;
        let (protection, standard) = match url.scheme() {
            "smtps" => (Protection::Tls(tls), 465),
            // Who names an authority wants TLS, on this machine too.
            "smtp" if is_loopback && config.authority.is_none() => (Protection::Loopback, 25),
            "smtp" => (Protection::StartTls(tls), 587),
            _ => return Err(wrong("url", "it does not begin with smtp:// or smtps://")),
        };
        let from: Mailbox = config
            .from
            .parse()
            .map_err(|_| wrong("from", "it is neither an address nor Name <address>"))?;
        if config.from.chars().any(char::is_control) {
            return Err(wrong("from", "it has control characters"));
        }
        if config.timeout.is_zero() || config.timeout > LONGEST_TIMEOUT {
            return Err(wrong("timeout", "it is not between 0 and 20 s"));
        }
        if config
            .unsubscribe
            .as_deref()
            .is_some_and(|address| !is_unsubscribe(address))
        {
            return Err(wrong("unsubscribe", "it is neither a mailto: nor an https:// address"));
        }
        if config.subject.trim().is_empty() || config.subject.chars().any(char::is_control) {
            return Err(wrong("subject", "it is empty or has control characters"));
        }
        Ok(Self {
            port: url.port().unwrap_or(standard),
            credentials: credentials(&url)?,
            host: name,
            protection,
            from,
            subject: config.subject,
            unsubscribe: config.unsubscribe,
            timeout: config.timeout,
        })
    }
}

const fn wrong(name: &'static str, problem: &'static str) -> ConfigError {
    ConfigError { name, problem }
}

fn tls_of(host: &str, authority: Option<&str>) -> Result<TlsParameters, ConfigError> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(pem) = authority {
        let certificate =
            Certificate::from_pem(pem.as_bytes()).map_err(|_| wrong("authority", "it is no certificate in PEM"))?;
        tls = tls.add_root_certificate(certificate);
    }
    tls.build()
        .map_err(|_| wrong("url", "TLS cannot be spoken with this name"))
}

fn credentials(url: &Url) -> Result<Option<Credentials>, ConfigError> {
    let Some(password) = url.password() else {
        return if url.username().is_empty() {
            Ok(None)
        } else {
            Err(wrong("url", "it has a user without a password"))
        };
    };
    let decoded = |text: &str| percent_decoded(text).ok_or(wrong("url", "user or password are badly encoded"));
    Ok(Some(Credentials::new(decoded(url.username())?, decoded(password)?)))
}

/// `%40` becomes `@`; `None` for what is no UTF-8 or badly encoded.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_unsubscribe(address: &str) -> bool {
    let known = address.starts_with("mailto:") || address.starts_with("https://");
    // It stands between angle brackets in a header, and must not end either.
    known
        && address
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str) -> Option<&'static str> {
        let config = EmailConfig::new(url.to_owned(), "help@acme.example");
        Server::check(config).err().map(|error| error.name)
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_before_any_call() {
        for right in [
            "smtp://mail.acme.example",
            "smtps://u:p%40ss@mail.acme.example:2465",
            "smtp://127.0.0.1:1025",
            "smtp://[::1]:1025/",
        ] {
            assert_eq!(problem(right), None, "{right}");
        }
        for wrong in [
            "mail.acme.example",
            "https://mail.acme.example",
            "smtp://mail.acme.example/path",
            "smtp://user@mail.acme.example",
            "smtp://u:%zz@mail.acme.example",
        ] {
            assert_eq!(problem(wrong), Some("url"), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_may_do_without_tls() {
        let protection = |url: &str| {
            let config = EmailConfig::new(url.to_owned(), "help@acme.example");
            Server::check(config).ok().map(|server| server.protection)
        };
        assert!(matches!(protection("smtp://127.0.0.1:25"), Some(Protection::Loopback)));
        assert!(matches!(protection("smtp://localhost"), Some(Protection::Loopback)));
        assert!(matches!(protection("smtp://10.0.0.1"), Some(Protection::StartTls(_))));
        assert!(matches!(
            protection("smtp://localhost.evil.example"),
            Some(Protection::StartTls(_))
        ));
        assert!(matches!(
            protection("smtps://mail.acme.example"),
            Some(Protection::Tls(_))
        ));
    }

    #[test]
    fn f76_nothing_configured_can_end_a_header() {
        let config = || EmailConfig::new("smtp://127.0.0.1".to_owned(), "help@acme.example");
        let refused = |config: EmailConfig| Server::check(config).err().map(|error| error.name);
        assert_eq!(
            refused(config().with_unsubscribe("https://acme.example/u?a=1,b")),
            Some("unsubscribe")
        );
        assert_eq!(
            refused(config().with_unsubscribe("mailto:a@b.example>\r\nBcc: x")),
            Some("unsubscribe")
        );
        assert_eq!(
            refused(config().with_unsubscribe("javascript:alert(1)")),
            Some("unsubscribe")
        );
        assert_eq!(
            refused(config().with_subject("Hello\r\nBcc: x@y.example")),
            Some("subject")
        );
        assert_eq!(refused(config().with_unsubscribe("mailto:stop@acme.example")), None);
        let from = EmailConfig::new("smtp://127.0.0.1".to_owned(), "a@b.example\r\nBcc: c@d.example");
        assert_eq!(refused(from), Some("from"));
    }

    #[test]
    fn debug_hides_the_password() {
        let config = EmailConfig::new("smtp://u:hunter2@mail.acme.example".to_owned(), "help@acme.example");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
