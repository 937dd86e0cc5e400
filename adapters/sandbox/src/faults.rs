//! Failing on command: which request fails, and how. What a provider's failure looks like is each stand-in's own matter.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Provider, shared::Shared};

/// One way in which a provider can let its client down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Answers this status and body, and does nothing.
    Status(u16, String),
    /// Answers 429 in the provider's own shape, and does nothing.
    RateLimited {
        /// What the provider asks the client to wait. WhatsApp does not say, so there it has no effect.
        retry_after_secs: u64,
    },
    /// Does what was asked, and never answers.
    Hang,
    /// Does what was asked, and drops the connection without a word.
    CloseAfterEffect,
    /// Drops the connection and does nothing.
    CloseBeforeEffect,
    /// Does what was asked, and answers only after this time.
    Slow(#[serde(rename = "millis", with = "millis")] Duration),
    /// Answers an error with this code in the provider's own shape and with the status that belongs to it, and does nothing.
    ProviderError(String),
}

impl Fault {
    /// A [`Fault::ProviderError`].
    pub fn code(code: impl ToString) -> Self {
        Self::ProviderError(code.to_string())
    }
}

/// Durations in control requests are whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Which requests a fault is for. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Only this method, in capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only paths that contain this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Scope {
    /// Only paths that contain this, for instance `chat.postMessage`.
    pub fn path(contains: impl Into<String>) -> Self {
        Self {
            method: None,
            path: Some(contains.into()),
        }
    }

    /// The same, with this method only.
    #[must_use]
    pub fn with_method(self, method: impl Into<String>) -> Self {
        Self {
            method: Some(method.into().to_ascii_uppercase()),
            ..self
        }
    }

    fn covers(&self, method: &str, path: &str) -> bool {
        self.method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|wanted| path.contains(wanted))
    }
}

/// A fault that waits for its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptedFault {
    /// What will happen.
    pub fault: Fault,
    /// To which requests.
    pub scope: Scope,
    /// How many more times; `None` is until cleared.
    pub remaining: Option<u32>,
}

/// The scripts of all providers. Requests take the first fault that covers them, oldest script first.
#[derive(Debug, Default)]
pub struct Faults(Shared<BTreeMap<Provider, Vec<ScriptedFault>>>);

impl Faults {
    /// Lets the provider's next `count` requests fail.
    pub fn fail_next(&self, provider: Provider, count: u32, fault: Fault) {
        self.fail_next_in(provider, count, fault, Scope::default());
    }

    /// Lets the provider's next `count` requests within `scope` fail.
    pub fn fail_next_in(&self, provider: Provider, count: u32, fault: Fault, scope: Scope) {
        if count > 0 {
            self.script(
                provider,
                ScriptedFault {
                    fault,
                    scope,
                    remaining: Some(count),
                },
            );
        }
    }

    /// Lets all of the provider's requests fail until cleared.
    pub fn always(&self, provider: Provider, fault: Fault) {
        self.always_in(provider, fault, Scope::default());
    }

    /// Lets all of the provider's requests within `scope` fail until cleared.
    pub fn always_in(&self, provider: Provider, fault: Fault, scope: Scope) {
        self.script(
            provider,
            ScriptedFault {
                fault,
                scope,
                remaining: None,
            },
        );
    }

    /// Forgets what was scripted for the provider. A request that already hangs goes on hanging.
    pub fn clear(&self, provider: Provider) {
        self.0.lock().remove(&provider);
    }

    /// Forgets what was scripted for anyone.
    pub fn clear_all(&self) {
        self.0.lock().clear();
    }

    /// What still waits for its request, so that a test can assert that its fault was met.
    pub fn pending(&self, provider: Provider) -> Vec<ScriptedFault> {
        self.0.lock().get(&provider).cloned().unwrap_or_default()
    }

    fn script(&self, provider: Provider, fault: ScriptedFault) {
        self.0.lock().entry(provider).or_default().push(fault);
    }

    /// The same for a step that fails only where a fault names it.
    pub(crate) fn take_at(&self, provider: Provider, method: &str, path: &str) -> Option<Fault> {
        let is_named = self.0.lock().get(&provider).is_some_and(|script| {
            let first = script.iter().find(|scripted| scripted.scope.covers(method, path));
            first.is_some_and(|scripted| scripted.scope.path.is_some())
        });
        if is_named {
            self.take(provider, method, path)
        } else {
            None
        }
    }

    /// The fault for this request, used up by it.
    pub(crate) fn take(&self, provider: Provider, method: &str, path: &str) -> Option<Fault> {
        let mut scripts = self.0.lock();
        let script = scripts.get_mut(&provider)?;
        let index = script.iter().position(|scripted| scripted.scope.covers(method, path))?;
        let scripted = &mut script[index];
        let fault = scripted.fault.clone();
        if let Some(remaining) = &mut scripted.remaining {
            *remaining -= 1;
            if *remaining == 0 {
                script.remove(index);
            }
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_and_the_next_one_follows() {
        let faults = Faults::default();
        faults.fail_next(Provider::Slack, 2, Fault::Hang);
        faults.always(Provider::Slack, Fault::code("internal_error"));
        let taken: Vec<_> = (0..4)
            .map(|_| faults.take(Provider::Slack, "POST", "/api/chat.postMessage"))
            .collect();
        assert_eq!(taken[..2], [Some(Fault::Hang), Some(Fault::Hang)]);
        assert_eq!(
            taken[2..],
            [Some(Fault::code("internal_error")), Some(Fault::code("internal_error"))]
        );
        faults.clear(Provider::Slack);
        assert_eq!(faults.take(Provider::Slack, "POST", "/api/chat.postMessage"), None);
    }

    #[test]
    fn a_scope_spares_other_requests_and_other_providers() {
        let faults = Faults::default();
        faults.fail_next_in(
            Provider::Notion,
            1,
            Fault::Hang,
            Scope::path("/v1/pages").with_method("post"),
        );
        assert_eq!(faults.take(Provider::Notion, "PATCH", "/v1/pages/x"), None);
        assert_eq!(faults.take(Provider::Slack, "POST", "/v1/pages"), None);
        assert_eq!(faults.take(Provider::Notion, "POST", "/v1/pages"), Some(Fault::Hang));
        assert!(faults.pending(Provider::Notion).is_empty());
    }

    #[test]
    fn faults_have_a_plain_json_form() {
        let cases = [
            (
                r#"{"rate_limited":{"retry_after_secs":2}}"#,
                Fault::RateLimited { retry_after_secs: 2 },
            ),
            (r#""close_after_effect""#, Fault::CloseAfterEffect),
            (r#"{"slow":1500}"#, Fault::Slow(Duration::from_millis(1500))),
            (r#"{"provider_error":"131026"}"#, Fault::code(131_026)),
            (r#"{"status":[503,"busy"]}"#, Fault::Status(503, "busy".into())),
        ];
        for (json, fault) in cases {
            assert_eq!(serde_json::from_str::<Fault>(json).unwrap(), fault);
        }
    }
}
