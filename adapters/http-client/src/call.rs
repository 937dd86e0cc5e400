//! One request to a provider, before it leaves.

use std::{fmt, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{ConfigError, redacted};

/// A bearer token, checked once and marked as sensitive wherever HTTP libraries print headers.
#[derive(Clone)]
pub struct Bearer(HeaderValue);

impl Bearer {
    /// Checks a token.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] for an empty token, or one with spaces or line ends, as a copied file has.
    pub fn new(token: &SecretString) -> Result<Self, ConfigError> {
        let token = token.expose_secret();
        let problem = |problem| ConfigError::Setting { name: "token", problem };
        if token.is_empty() {
            return Err(problem("it is empty"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(problem("it has spaces, line ends or characters that no token has"));
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| problem("it cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) fn value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// A request: what is being done, where, and with what.
pub struct Call {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Result<Bytes, serde_json::Error>>,
    pub(crate) timeout: Option<Duration>,
}

impl Call {
    /// A request of any method. `operation` is named `area.verb` (`slack.send`), as in spans and errors.
    pub fn new(operation: &'static str, method: Method, url: Url) -> Self {
        Self {
            operation,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            timeout: None,
        }
    }

    /// A reading request.
    pub fn get(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::GET, url)
    }

    /// A request that acts.
    pub fn post(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::POST, url)
    }

    /// A request that changes what is there.
    pub fn patch(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::PATCH, url)
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(mut self, token: &Bearer) -> Self {
        self.headers.insert(AUTHORIZATION, token.0.clone());
        self
    }

    /// With a header whose value is known when the program is built, in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// With a header whose value was configured.
    #[must_use]
    pub fn header_value(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// With a JSON body. The character set is named: Slack warns where it is not.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        self.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        self.body = Some(serde_json::to_vec(body).map(Bytes::from));
        self
    }

    /// With a time limit of its own, in place of the client's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("url", &redacted(&self.url))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_with_a_line_end_is_refused_and_never_shown() {
        for token in ["", "xoxb-1\n", "two words", "ñ"] {
            let error = Bearer::new(&token.into()).unwrap_err();
            assert!(
                token.is_empty() || !format!("{error:?} {error}").contains(token.trim()),
                "{error:?}"
            );
        }
        let bearer = Bearer::new(&"xoxb-secret".into()).unwrap();
        assert!(!format!("{bearer:?} {:?}", bearer.0).contains("secret"));
    }

    #[test]
    fn debug_of_a_call_shows_neither_query_nor_body_nor_token() {
        let call = Call::post(
            "slack.send",
            Url::parse("https://slack.com/api/chat.postMessage").unwrap(),
        )
        .query("user", "U0DANA")
        .bearer(&Bearer::new(&"xoxb-secret".into()).unwrap())
        .json(&serde_json::json!({"text": "Hola Ana"}));
        let shown = format!("{call:?}");
        assert!(shown.contains("chat.postMessage"));
        for hidden in ["U0DANA", "secret", "Ana"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
