//! The one server of a host: webhooks, API, health and dashboard on one address.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::Router;
use feedback_adapters::{
    axum::{
        api,
        health::{self, Health},
        webhooks::{
            self, EmailEndpoint, IntercomEndpoint, NotionEndpoint, ShowToken, SlackEndpoint, Webhooks, WhatsAppEndpoint,
        },
    },
    dashboard::{self, CookieSecurity, Dashboard},
};
use feedback_core::Hub;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Settings,
    http_edge::{self, Limits},
    telemetry::RenderMetrics,
    wiring::Wired,
};

/// All routes over a hub.
fn router(wired: &Wired, settings: &Settings, metrics: RenderMetrics, health: Health) -> Router {
    let hub = &wired.hub;
    let mut hooks = Webhooks::new(hub);
    hooks.slack = settings.slack.as_ref().map(|slack| SlackEndpoint {
        signing_secrets: slack.signing_secrets.clone(),
    });
    hooks.intercom = settings.intercom.as_ref().map(|intercom| IntercomEndpoint {
        client_secrets: intercom.client_secrets.clone(),
    });
    hooks.whatsapp = settings.whatsapp.as_ref().map(|whatsapp| WhatsAppEndpoint {
        app_secrets: whatsapp.app_secrets.clone(),
        verify_token: whatsapp.verify_token.clone(),
    });
    hooks.email = settings.email.as_ref().map(|email| EmailEndpoint {
        secrets: email.webhook_secrets.clone(),
    });
    if let (Some(notion), Some(poll)) = (&settings.notion, &hub.poll) {
        hooks.notion = Some(NotionEndpoint {
            verification_tokens: notion.webhook_secrets.clone(),
            show_token: Some(shows_token()),
            poll: poll.clone(),
        });
    }
    let in_flight = hooks.in_flight.clone();
    let health = health.with_clock_skew(hooks.clock_skew.clone());
    let mut api = api::Api::new(Arc::clone(hub));
    api.in_flight = in_flight;
    api.render_metrics = Some(metrics);
    Router::new()
        .merge(webhooks::router(hooks))
        .merge(api::router(api))
        .merge(health::router(health))
        .merge(dashboard::router(Dashboard::new(Arc::clone(hub), cookies(settings))))
}

/// The operator's own screen, as for sign-in links: logs go elsewhere and keep no secret. Once for each start, so that nobody
/// fills the screen.
fn shows_token() -> ShowToken {
    let shown = AtomicBool::new(false);
    Arc::new(move |token| {
        if shown.swap(true, Ordering::Relaxed) {
            return;
        }
        let token = token.expose_secret();
        println!(
            "Notion sent a verification token. Paste it into Notion, set NOTION.WEBHOOK_SECRET to it, and start again:\n  {token}"
        );
    })
}

/// Cookies go over https alone, but where the hub itself says that people come over http.
fn cookies(settings: &Settings) -> CookieSecurity {
    match &settings.public_url {
        Some(url) if url.starts_with("https://") => CookieSecurity::HttpsOnly,
        _ => CookieSecurity::LoopbackHttp,
    }
}

/// What older keys of the ring wrapped is moved to the newest one, so that a new key in the configuration is all that an
/// operator has to do.
async fn rotate(hub: Arc<Hub>) {
    match hub.rotate_keys.rotate().await {
        Ok(rotated) if rotated.moved > 0 || rotated.unreadable > 0 => {
            tracing::info!(
                moved = rotated.moved,
                unreadable = rotated.unreadable,
                "values of older keys were moved to the newest key"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "could not move all values to the newest key; the next start goes on"),
    }
}

/// Serves until `stop`, or until the store says that it cannot go on; then lets running requests and jobs finish.
pub(crate) async fn run(
    wired: Wired,
    settings: &Settings,
    metrics: RenderMetrics,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let health = Health::new(&wired.hub);
    let router = router(&wired, settings, metrics, health.clone());
    let again = wired.hub.erase.erase_again().await?;
    if again > 0 {
        tracing::warn!(
            people = again,
            "a restored database brought back who was erased: erased again"
        );
    }
    wired.hub.schedule_periodic().await?;
    let rotation = tokio::spawn(rotate(Arc::clone(&wired.hub)));
    let worker = wired.worker.clone();
    let jobs = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(stop).await }
    });
    let broken = tokio::spawn({
        let (store, stop) = (wired.store.clone(), stop.clone());
        async move {
            store.until_broken().await;
            stop.cancel();
        }
    });
    tokio::join!(
        http_edge::serve(listener, router, Limits::default(), stop.clone()),
        async {
            stop.cancelled().await;
            // Load balancers shall send nobody any more, while those who are here are still served.
            health.stop();
        }
    );
    jobs.await?;
    // Each step is a commit of its own: what is left is for the next start.
    rotation.abort();
    broken.abort();
    if wired.store.is_broken() {
        // A file whose sync failed cannot be trusted by this process any more; a new one reads what really is there.
        anyhow::bail!(crate::commands::StoreBroken);
    }
    Ok(())
}
