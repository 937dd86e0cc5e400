#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub use feedback_axum as axum;
#[cfg(feature = "dashboard")]
#[cfg_attr(docsrs, doc(cfg(feature = "dashboard")))]
pub use feedback_dashboard as dashboard;
#[cfg(feature = "email")]
#[cfg_attr(docsrs, doc(cfg(feature = "email")))]
pub use feedback_email as email;
#[cfg(feature = "embeddings")]
#[cfg_attr(docsrs, doc(cfg(feature = "embeddings")))]
pub use feedback_embeddings as embeddings;
#[cfg(any(
    feature = "slack",
    feature = "intercom",
    feature = "whatsapp",
    feature = "notion",
    feature = "openai"
))]
pub use feedback_http_client as http_client;
#[cfg(feature = "intercom")]
#[cfg_attr(docsrs, doc(cfg(feature = "intercom")))]
pub use feedback_intercom as intercom;
#[cfg(feature = "local")]
mod local;

#[cfg(feature = "local")]
#[cfg_attr(docsrs, doc(cfg(feature = "local")))]
pub use self::local::{LocalPortsError, local_ports};
#[cfg(feature = "local-ai")]
#[cfg_attr(docsrs, doc(cfg(feature = "local-ai")))]
pub use feedback_local_ai as local_ai;
#[cfg(feature = "nats")]
#[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
pub use feedback_nats as nats;
#[cfg(feature = "notion")]
#[cfg_attr(docsrs, doc(cfg(feature = "notion")))]
pub use feedback_notion as notion;
#[cfg(feature = "object-store")]
#[cfg_attr(docsrs, doc(cfg(feature = "object-store")))]
pub use feedback_object_store as object_store;
#[cfg(feature = "openai")]
#[cfg_attr(docsrs, doc(cfg(feature = "openai")))]
pub use feedback_openai as openai;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use feedback_postgres as postgres;
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
pub use feedback_sandbox as sandbox;
#[cfg(feature = "slack")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack")))]
pub use feedback_slack as slack;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use feedback_sqlite as sqlite;
#[cfg(feature = "system")]
#[cfg_attr(docsrs, doc(cfg(feature = "system")))]
pub use feedback_system as system;
#[cfg(feature = "vault")]
#[cfg_attr(docsrs, doc(cfg(feature = "vault")))]
pub use feedback_vault as vault;
#[cfg(feature = "whatsapp")]
#[cfg_attr(docsrs, doc(cfg(feature = "whatsapp")))]
pub use feedback_whatsapp as whatsapp;
