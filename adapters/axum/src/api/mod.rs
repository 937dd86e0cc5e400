//! The hub's own API: one endpoint a file, problem documents for refusals, and a description that is made of the code.

mod attachments;
mod call;
mod changelog;
mod dead_letters;
mod groups;
pub mod health;
mod links;
mod metrics;
mod notifications;
mod ops;
mod page;
mod people;
mod reporters;
mod tickets;
mod words;

use std::{fmt, sync::Arc};

use axum::{Router, http::header::CONTENT_TYPE, middleware::from_fn_with_state, response::IntoResponse, routing::get};
use feedback_core::Hub;
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{auth::require_token, guard::guarded, limits::InFlight, problem::Problem, webhooks};

/// Renders what an exporter of metrics has counted, as the text that Prometheus reads.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the API works with.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub hub: Arc<Hub>,
    /// Room for bodies. Give all routers of a server the same.
    pub in_flight: InFlight,
    /// Gives `/metrics` its text, where the host exports metrics; without it there is no such route.
    pub render_metrics: Option<RenderMetrics>,
}

impl Api {
    /// The API of a hub, without `/metrics`.
    pub fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            in_flight: InFlight::default(),
            render_metrics: None,
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("hub", &self.hub).finish_non_exhaustive()
    }
}

/// `/api/…`, `/openapi.json`, and `/metrics` where there is something to render. All of it wants a bearer token.
pub fn router(api: Api) -> Router {
    let access = api.hub.access.clone();
    let render_metrics = api.render_metrics.clone();
    let closed = |router: Router| router.route_layer(from_fn_with_state(access.clone(), require_token));

    let (endpoints, _) = endpoints().split_for_parts();
    let endpoints = endpoints
        .with_state(Arc::new(api))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(async || Problem::not_found("what this path names"));
    let mut beside = Router::new().route("/openapi.json", get(describe));
    if let Some(render) = render_metrics {
        beside = beside.route("/metrics", get(async move || prometheus(&render)));
    }
    guarded(closed(beside)).nest("/api", guarded(closed(endpoints)))
}

async fn describe() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi())
}

fn prometheus(render: &RenderMetrics) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render())
}

type Endpoints = OpenApiRouter<Arc<Api>>;

fn endpoints() -> Endpoints {
    OpenApiRouter::new()
        .routes(routes!(tickets::list::list, tickets::create::create))
        .routes(routes!(tickets::show::show, tickets::update::update))
        .routes(routes!(tickets::confirm::confirm))
        .routes(routes!(tickets::merge::merge))
        .routes(routes!(links::accept))
        .routes(routes!(links::dismiss))
        .routes(routes!(links::swap))
        .routes(routes!(links::undo))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::show, groups::update))
        .routes(routes!(attachments::download))
        .routes(routes!(changelog::generate::generate))
        .routes(routes!(changelog::show::show))
        .routes(routes!(changelog::update::update))
        .routes(routes!(changelog::approve::approve))
        .routes(routes!(changelog::reject::reject))
        .routes(routes!(changelog::list::list))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::show))
        .routes(routes!(notifications::retry))
        .routes(routes!(notifications::resolve))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::retry))
        .routes(routes!(dead_letters::discard))
        .routes(routes!(reporters::show, people::erase))
        .routes(routes!(people::known_as))
        .routes(routes!(people::merge))
        .routes(routes!(people::part))
        .routes(routes!(people::export))
        .routes(routes!(reporters::inbox))
        .routes(routes!(reporters::read))
        .routes(routes!(metrics::summary))
        .routes(routes!(ops::status))
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Feedback Hub", description = "Tickets of customer reports, and the way back to the reporter."),
    security(("bearer" = [])),
    tags(
        (name = "tickets"), (name = "groups"), (name = "changelog"), (name = "notifications"), (name = "reporters"), (name = "operations"),
        (name = "webhooks", description = "Called by providers, with their signatures in place of a token"),
    )
)]
struct Described;

/// The description of API and webhooks, as `/openapi.json` gives it.
pub fn openapi() -> String {
    let described = OpenApiRouter::<Arc<Api>>::with_openapi(Described::openapi()).nest("/api", endpoints());
    let mut document = described.into_openapi();
    for provider in webhooks::description() {
        document.merge(provider);
    }
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("bearer", bearer);
    // Plain maps, lists and texts: serialization has nothing to fail on.
    document.to_pretty_json().unwrap_or_default() + "\n"
}
