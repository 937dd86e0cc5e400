//! What all stand-ins of one sandbox share.

use std::sync::{Arc, OnceLock};

use crate::{
    Provider, RecordedRequest, clock::Clock, config::SandboxConfig, email, faults::Faults, files::Files, hub::Hub,
    ids::Ids, intercept::Arrivals, intercom, notion, openai, shared::Shared, slack, webhooks::Webhook, whatsapp,
};

/// Everything that happened on the providers' side. It outlives any number of hubs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: SandboxConfig,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) faults: Faults,
    pub(crate) hub: Hub,
    pub(crate) urls: OnceLock<Urls>,
    pub(crate) files: Shared<Files>,
    pub(crate) slack: Shared<slack::State>,
    pub(crate) intercom: Shared<intercom::State>,
    pub(crate) whatsapp: Shared<whatsapp::State>,
    pub(crate) notion: Shared<notion::State>,
    pub(crate) openai: Shared<openai::State>,
    pub(crate) email: Shared<email::State>,
    arrivals: [Shared<Arrivals>; Provider::ALL.len()],
}

/// Where the stand-ins listen, without paths.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    pub(crate) slack: String,
    pub(crate) intercom: String,
    pub(crate) whatsapp: String,
    pub(crate) notion: String,
    pub(crate) openai: String,
    pub(crate) email: String,
    pub(crate) page: String,
}

impl World {
    pub(crate) fn new(config: SandboxConfig) -> Result<Arc<Self>, reqwest::Error> {
        Ok(Arc::new(Self {
            clock: Clock::default(),
            ids: Ids::new(),
            faults: Faults::default(),
            hub: Hub::new(config.secrets(), config.patience)?,
            urls: OnceLock::new(),
            files: Shared::default(),
            slack: Shared::new(slack::State::new(&config)),
            intercom: Shared::new(intercom::State::new(&config)),
            whatsapp: Shared::new(whatsapp::State::new(&config)),
            notion: Shared::new(notion::State::new(&config)),
            openai: Shared::default(),
            email: Shared::default(),
            arrivals: Default::default(),
            config,
        }))
    }

    pub(crate) fn arrivals(&self, provider: Provider) -> &Shared<Arrivals> {
        &self.arrivals[provider as usize]
    }

    /// Notes a request as it arrived.
    pub(crate) fn note(&self, provider: Provider, request: RecordedRequest) {
        self.arrivals(provider).lock().note(request);
    }

    /// Tells the hub in the background, if there is one.
    pub(crate) fn announce(self: &Arc<Self>, webhook: Webhook) {
        if self.hub.url().is_none() {
            return;
        }
        let world = Arc::clone(self);
        self.hub.spawn(async move {
            world.hub.deliver(&webhook).await;
        });
    }

    /// Where Slack's response URLs begin.
    pub(crate) fn slack_hooks_url(&self) -> &str {
        self.urls
            .get()
            .map_or("https://hooks.slack.com", |urls| urls.slack.as_str())
    }
}
