//! A person at a browser without script: keeps a cookie, follows no redirect, and sends forms as their pages have them.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use feedback_core::{
    domain::{Channel, TicketId, TicketNumber, User},
    testing::hub::{TestHub, ticket_of},
};
use feedback_dashboard::{CookieSecurity, Dashboard, router};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use tower::ServiceExt;

pub(crate) const SITE: &str = "http://hub.test";

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Answer {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of the first field of this name.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .html
            .split_once(&start)
            .unwrap_or_else(|| panic!("no field {name}: {}", self.html));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A person at a browser.
#[derive(Clone)]
pub(crate) struct Person {
    app: Router,
    pub(crate) cookie: Option<String>,
}

impl Person {
    pub(crate) fn stranger(test: &TestHub, cookies: CookieSecurity) -> Self {
        let app = router(Dashboard::new(test.hub.clone(), cookies));
        Self { app, cookie: None }
    }

    /// Somebody who signed in as the test's reviewer.
    pub(crate) async fn reviewer(test: &TestHub) -> Self {
        Self::signed_in(test, &test.reviewer).await
    }

    pub(crate) async fn signed_in(test: &TestHub, user: &User) -> Self {
        let mut person = Self::stranger(test, CookieSecurity::LoopbackHttp);
        let answer = person.sign_in(&link(test, user).await).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        person
    }

    /// Uses a link up, and keeps the cookie that comes of it.
    pub(crate) async fn sign_in(&mut self, link: &str) -> Answer {
        let answer = self.post_as_is("/sign-in", &[("link", link)]).await;
        let cookie = answer.header(header::SET_COOKIE).split(';').next().unwrap();
        self.cookie = Some(cookie.to_owned()).filter(|cookie| !cookie.is_empty());
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form with the session's token, as it stands on every page.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.get("/tickets").await.field("csrf");
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post_as_is(path, &all).await
    }

    /// Sends exactly these fields, from the hub's own site.
    pub(crate) async fn post_as_is(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends exactly these fields, with what a browser says about where they come from.
    pub(crate) async fn post_from(&self, path: &str, fields: &[(&str, &str)], from: &[(&str, &str)]) -> Answer {
        let mut request = self.request(Method::POST, path);
        for (name, value) in from {
            request = request.header(*name, *value);
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(encoded(fields))).unwrap()).await
    }

    fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "hub.test");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            html: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// A fresh sign-in link's secret.
pub(crate) async fn link(test: &TestHub, user: &User) -> String {
    test.hub
        .access
        .sign_in_link(user.id)
        .await
        .unwrap()
        .expose_secret()
        .to_owned()
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn percent_encoded(value: &str) -> String {
    let encoded = value.bytes().map(|byte| match byte {
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// A report on Slack, worked off as far as it goes without a person.
pub(crate) async fn reported(test: &TestHub, text: &str) -> (TicketId, TicketNumber) {
    // Slack keeps three characters escaped in what it sends.
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let at = format!("1767225600.{:06}", test.store.all_tickets().len());
    let body = serde_json::json!({
        "type": "event_callback", "team_id": "T0", "event_id": format!("Ev{at}"),
        "event": {"type": "message", "channel": "C0", "user": "U0DANA", "text": text, "ts": at},
    });
    let ticket = ticket_of(&test.receive(Channel::Slack, body.to_string()).await);
    test.run_due_jobs().await;
    let number = test
        .store
        .all_tickets()
        .into_iter()
        .find(|known| known.id == ticket)
        .unwrap()
        .number;
    (ticket, number)
}

/// A report with a draft that waits for a decision: its page, and the draft's own part of the address.
pub(crate) async fn drafted(test: &TestHub, person: &Person, draft: &str) -> (String, String) {
    let (_, number) = reported(test, "the export hangs").await;
    test.writer.then_write(draft);
    let path = format!("/tickets/{}", number.value());
    let answer = person.post(&format!("{path}/draft"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    let page = person.get(&path).await;
    let (_, rest) = page
        .html
        .split_once(&format!("{path}/changelog/"))
        .unwrap_or_else(|| panic!("{}", page.html));
    let entry = rest.split('/').next().unwrap();
    (path.clone(), format!("{path}/changelog/{entry}"))
}
