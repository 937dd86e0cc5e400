//! Webhooks and API to mount in any axum server.
