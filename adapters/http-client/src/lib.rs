#![doc = include_str!("../README.md")]

mod answer;
mod base_url;
mod call;
mod classify;
mod client;
mod config;
mod redact;
mod retry_after;

pub use reqwest::{Method, StatusCode, Url};

pub use self::{
    answer::Answer,
    base_url::BaseUrl,
    call::{Bearer, Call},
    classify::{kind_of, kind_of_send},
    client::HttpClient,
    config::{ConfigError, HttpClientConfig},
    redact::redacted,
    retry_after::{LONGEST_WAIT, retry_after},
};
