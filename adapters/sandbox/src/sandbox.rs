//! Starting and stopping: one loopback listener for each provider, and one for the page.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::net::TcpListener;

use crate::{
    Provider, RecordedRequest,
    config::SandboxConfig,
    connection::{Connection, CuttableListener},
    email::{self, Email},
    faults::Faults,
    hub::Delivery,
    intercept,
    intercom::{self, Intercom},
    notion::{self, Notion},
    openai::{self, OpenAi},
    page,
    slack::{self, Slack},
    webhooks::{Webhook, WebhookSecrets},
    whatsapp::{self, WhatsApp},
    world::{Urls, World},
};

/// The outside world on loopback: five stand-in providers and a page that shows what people see.
///
/// It lives in the process that started it, so that a hub can be killed and restarted while Slack, Notion and the rest
/// keep what they know. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    world: Arc<World>,
    urls: Urls,
}

impl Sandbox {
    /// Starts all stand-ins on the current Tokio runtime.
    ///
    /// # Errors
    /// When a configured port is taken, or loopback cannot be bound.
    pub async fn start(config: SandboxConfig) -> io::Result<Self> {
        let ports = config.ports;
        let world = World::new(config).map_err(io::Error::other)?;
        let listeners = [
            bind(ports.slack).await?,
            bind(ports.intercom).await?,
            bind(ports.whatsapp).await?,
            bind(ports.notion).await?,
            bind(ports.openai).await?,
            bind(ports.page).await?,
        ];
        let email = bind(ports.email).await?;
        let [slack, intercom, whatsapp, notion, openai, page] = &listeners;
        let urls = Urls {
            slack: url_of(slack)?,
            intercom: url_of(intercom)?,
            whatsapp: url_of(whatsapp)?,
            notion: url_of(notion)?,
            openai: url_of(openai)?,
            email: format!("smtp://{}", email.local_addr()?),
            page: url_of(page)?,
        };
        // A second value is impossible: this world was made above.
        let _ = world.urls.set(urls.clone());
        let routers = [
            intercept::guard(&world, Provider::Slack, slack::router(&world)),
            intercept::guard(&world, Provider::Intercom, intercom::router(&world)),
            intercept::guard(&world, Provider::WhatsApp, whatsapp::router(&world)),
            intercept::guard(&world, Provider::Notion, notion::router(&world)),
            intercept::guard(&world, Provider::OpenAi, openai::router(&world)),
            page::router(&world),
        ];
        for (listener, router) in listeners.into_iter().zip(routers) {
            serve(&world, listener, router);
        }
        email::serve(&world, email);
        Ok(Self { world, urls })
    }

    /// Slack's Web API; ends in `/api`.
    pub fn slack_base_url(&self) -> String {
        format!("{}/api", self.urls.slack)
    }

    /// Intercom's API; has no path.
    pub fn intercom_base_url(&self) -> String {
        self.urls.intercom.clone()
    }

    /// The Graph API; has neither path nor version.
    pub fn whatsapp_base_url(&self) -> String {
        self.urls.whatsapp.clone()
    }

    /// Notion's API; has neither path nor version.
    pub fn notion_base_url(&self) -> String {
        self.urls.notion.clone()
    }

    /// The AI provider's API; ends in `/v1`.
    pub fn openai_base_url(&self) -> String {
        format!("{}/v1", self.urls.openai)
    }

    /// The mail server: `smtp://127.0.0.1:PORT`, in the clear and without sign-in.
    pub fn smtp_url(&self) -> String {
        self.urls.email.clone()
    }

    /// The page that shows what the outside world sees; the control routes are below it.
    pub fn page_url(&self) -> String {
        self.urls.page.clone()
    }

    /// What was started with.
    pub fn config(&self) -> &SandboxConfig {
        &self.world.config
    }

    /// The secrets that webhooks from here are signed with.
    pub fn secrets(&self) -> WebhookSecrets {
        self.world.config.secrets()
    }

    /// From now on, tells the hub at this address what happens. Call it again when the hub moved.
    pub fn connect(&self, hub_url: &str) {
        self.world.hub.connect(hub_url);
    }

    /// From now on, tells nobody.
    pub fn disconnect(&self) {
        self.world.hub.disconnect();
    }

    /// Failing on command.
    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// All requests that arrived at a provider, also those that were told to fail, oldest first.
    pub fn requests(&self, provider: Provider) -> Vec<RecordedRequest> {
        self.world.arrivals(provider).lock().to_vec()
    }

    /// Sets the providers' clock ahead: WhatsApp windows close, response URLs expire. Signatures keep the real time.
    pub fn advance_clock(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// What people and the app did on Slack.
    pub fn slack(&self) -> Slack {
        Slack::new(Arc::clone(&self.world))
    }

    /// What people and the app did on Intercom.
    pub fn intercom(&self) -> Intercom {
        Intercom::new(Arc::clone(&self.world))
    }

    /// What people and the app did on WhatsApp.
    pub fn whatsapp(&self) -> WhatsApp {
        WhatsApp::new(Arc::clone(&self.world))
    }

    /// What people and the integration did on Notion.
    pub fn notion(&self) -> Notion {
        Notion::new(Arc::clone(&self.world))
    }

    /// What people and the hub did by mail.
    pub fn email(&self) -> Email {
        Email::new(Arc::clone(&self.world))
    }

    /// What the AI provider was asked.
    pub fn openai(&self) -> OpenAi {
        OpenAi::new(Arc::clone(&self.world))
    }

    /// Tells the connected hub, as often as the provider would.
    pub async fn deliver(&self, inbound: &Inbound) -> Delivery {
        self.world.hub.deliver(&inbound.0).await
    }

    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Stops all stand-ins and ends every connection, also those that hang on command.
    pub async fn shutdown(self) {
        self.world.hub.close().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.world.hub.closing().cancel();
    }
}

/// Something that a person did on a channel, already visible in its stand-in, for which the provider now posts a webhook.
#[derive(Debug, Clone)]
pub struct Inbound(pub(crate) Webhook);

impl Inbound {
    /// The webhook, signed as of now.
    pub fn sign(&self, secrets: &WebhookSecrets) -> crate::SignedRequest {
        self.0.sign(secrets, crate::clock::wall())
    }
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

fn url_of(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn serve(world: &Arc<World>, listener: TcpListener, router: Router) {
    let closing = world.hub.closing().clone();
    let listener = CuttableListener::new(listener, closing.clone());
    world.hub.spawn(async move {
        let service = router.into_make_service_with_connect_info::<Connection>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "A stand-in stopped listening.");
        }
    });
}
