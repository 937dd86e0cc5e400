//! What every answer has, who is let in, and what happens to requests that no handler wants.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use feedback_axum::api::{self, Api};
use serde_json::Value;
use tower::ServiceExt;

use crate::world::{Reply, World};

/// Every operation of the description, with an id in its path that names nothing.
fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    // Notion's endpoint is there only where a host mounts it: `notion.rs` does.
    let all = paths
        .iter()
        .filter(|(path, _)| *path != "/webhooks/notion")
        .flat_map(|(path, item)| {
            let id = "019b8d00-0000-7000-8000-000000000000";
            let path = path.replace("{id}", id).replace("{message}", id);
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| (method.to_uppercase().parse().unwrap(), path.clone()))
        });
    all.chain([
        (Method::GET, "/openapi.json".to_owned()),
        (Method::GET, "/metrics".to_owned()),
    ])
    .collect()
}

fn has_headers(reply: &Reply, what: &str) {
    assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{what}");
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store", "{what}");
    assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin", "{what}");
    assert!(
        reply.text.is_empty() || !reply.content_type().is_empty(),
        "{what} has no content type"
    );
}

#[tokio::test]
async fn every_answer_has_its_headers_whatever_it_is() {
    let world = World::new().await;
    for (method, path) in operations() {
        for body in ["{}", "", "{", r#"{"version":1}"#] {
            let reply = world.call_with(method.clone(), &path, body, &[]).await;
            assert!(!reply.status.is_server_error(), "{method} {path}: {}", reply.text);
            has_headers(&reply, &format!("{method} {path} {}", reply.status));
            if path.starts_with("/api") && reply.status.is_client_error() {
                assert_eq!(reply.content_type(), "application/problem+json");
                assert_eq!(reply.json()["status"], reply.status.as_u16());
            }
        }
    }
}

#[tokio::test]
async fn nothing_but_health_is_open() {
    let world = World::new().await;
    for (method, path) in operations()
        .into_iter()
        .filter(|(_, path)| !path.starts_with("/webhooks"))
    {
        for token in [None, Some("Bearer wrong"), Some("Basic dGVzdDp0ZXN0"), Some("Bearer ")] {
            let mut request = Request::builder().method(method.clone()).uri(&path);
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let reply = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path} {token:?}");
            assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Bearer");
            has_headers(&reply, &path);
        }
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_unknown_methods_405() {
    let world = World::new().await;
    for path in ["/api/nothing", "/api/tickets/x/y/z", "/api/sprints"] {
        let reply = world.get(path).await;
        assert_eq!(
            (reply.status, reply.content_type()),
            (StatusCode::NOT_FOUND, "application/problem+json"),
            "{path}"
        );
        has_headers(&reply, path);
    }
    for (_, path) in operations().into_iter().filter(|(_, path)| path.starts_with("/api")) {
        // A person is erased by DELETE; nothing else is deleted or put.
        let is_erasure = path == "/api/reporters/019b8d00-0000-7000-8000-000000000000";
        for method in [Method::TRACE, Method::OPTIONS, Method::PUT, Method::DELETE] {
            if is_erasure && method == Method::DELETE {
                continue;
            }
            let reply = world.call_with(method, &path, "", &[]).await;
            assert_eq!(
                (reply.status, reply.content_type()),
                (StatusCode::METHOD_NOT_ALLOWED, "application/problem+json"),
                "{path}"
            );
            assert!(reply.headers.contains_key(header::ALLOW), "{path}");
            has_headers(&reply, &path);
        }
    }
    let elsewhere = world.get("/elsewhere").await;
    assert_eq!(elsewhere.text, "the host knows no such page");
}

#[tokio::test]
async fn metrics_are_rendered_for_who_has_a_token() {
    let world = World::new().await;
    let reply = world.get("/metrics").await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (StatusCode::OK, "feedback_intake_total 1\n")
    );
    assert!(reply.content_type().starts_with("text/plain"));
    let without = api::router(Api::new(Arc::clone(&world.hub)));
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    assert_eq!(without.oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_panic_is_500_without_detail_and_the_next_request_is_served() {
    let world = World::new().await;
    let mut api = Api::new(Arc::clone(&world.hub));
    api.render_metrics = Some(Arc::new(|| panic!("ana@example.test")));
    let app = api::router(api);
    let request = |path: &str| {
        let token = format!("Bearer {}", world.token);
        Request::get(path)
            .header(header::AUTHORIZATION, token)
            .body(Body::empty())
            .unwrap()
    };
    let broken = app.clone().oneshot(request("/metrics")).await.unwrap();
    assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(broken.headers()["x-content-type-options"], "nosniff");
    let bytes = axum::body::to_bytes(broken.into_body(), 10_000).await.unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("ana@"));
    assert_eq!(
        app.oneshot(request("/api/tickets")).await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_disabled_person_and_a_revoked_token_are_let_in_no_more() {
    use feedback_core::{
        domain::{Change, Write},
        ports::{Clock, Storage},
    };
    let world = World::new().await;
    assert_eq!(world.get("/api/tickets").await.status, StatusCode::OK);
    let mut user = Storage::user(&world.store, world.user).await.unwrap().unwrap();
    user.disabled_at = Some(world.clock.now());
    world
        .store
        .commit(Change::new().with(Write::UpdateUser(user)))
        .await
        .unwrap();
    assert_eq!(world.get("/api/tickets").await.status, StatusCode::UNAUTHORIZED);
}
