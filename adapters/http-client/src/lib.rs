#![doc = include_str!("../README.md")]

mod answer;
mod base_url;
mod call;
mod classify;
mod client;
mod code;
mod config;
mod deadline;
mod file_client;
mod file_hosts;
mod public_address;
mod redact;
mod retry_after;

pub use reqwest::{Method, StatusCode, Url};

pub use self::{
    answer::Answer,
    base_url::BaseUrl,
    call::{Bearer, Call},
    classify::{kind_of, kind_of_send},
    client::HttpClient,
    code::shown_code,
    config::{ConfigError, HttpClientConfig},
    deadline::Deadline,
    file_client::FileClient,
    file_hosts::FileHosts,
    public_address::is_public,
    redact::redacted,
    retry_after::{LONGEST_WAIT, retry_after},
};
