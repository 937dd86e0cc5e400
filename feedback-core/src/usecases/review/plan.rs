//! The plan that a reviewer sees before approving: who would hear it, where, and in which way.

use super::{Loaded, Review, ReviewError};
use crate::{
    domain::{
        ChangelogEntryId, Channel, DeliveryMode, Identity, IdentityId, LinkStatus, ReporterId, TemplateRef, ThreadRef,
        Ticket, TicketSource, TicketStatus, Timestamp, WhatsAppMode,
    },
    logic::window::{self, ProviderSays},
    ports::{IdentityKey, LinksKey, TicketKey, TicketsKey},
    usecases::templates::TemplateFit,
};

/// Who is told, where and how, before anybody approves it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedDelivery {
    /// Who.
    pub reporter: ReporterId,
    /// At which address.
    pub identity: IdentityId,
    /// On which channel.
    pub channel: Channel,
    /// Where in it.
    pub thread: ThreadRef,
    /// In which way.
    pub mode: DeliveryMode,
    /// Whether the person asked not to be written to.
    pub opted_out: bool,
    /// When the person last wrote there: WhatsApp's window starts then.
    pub last_message_at: Option<Timestamp>,
    /// On WhatsApp: how it would go out now, and later.
    pub whatsapp: Option<WhatsAppPlan>,
    /// Why the person would not be written to now; `None` where they would.
    pub restricted: Option<String>,
}

impl PlannedDelivery {
    /// How it would go out now, in the words that a notification keeps of it; `None` where it would not.
    pub fn sends_as(&self) -> Option<&'static str> {
        if self.restricted.is_some() {
            return None;
        }
        Some(match &self.whatsapp {
            Some(plan) if plan.session_until.is_some() => "session",
            Some(_) => "template",
            None => self.mode.as_str(),
        })
    }

    fn restriction(&self, senders: Option<&[Channel]>) -> Option<String> {
        let plan = self.whatsapp.as_ref();
        let no_way = plan.filter(|plan| plan.session_until.is_none() && plan.template.is_none());
        let has_sender = senders.is_none_or(|senders| senders.contains(&self.channel));
        if self.opted_out {
            Some("the person asked not to be written to".to_owned())
        } else if self.mode == DeliveryMode::ByHand {
            Some("there is no way back: a colleague tells the person".to_owned())
        } else if self.mode != DeliveryMode::Inbox && !has_sender {
            Some(format!("nothing is configured that sends by {}", self.channel.label()))
        } else {
            let why = no_way?.why_no_template.as_deref().unwrap_or("no template can be used");
            Some(format!("WhatsApp's 24 hours are over, and {why}"))
        }
    }
}

/// How words would go out on WhatsApp.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatsAppPlan {
    /// Until when free text is allowed; `None` where the 24 hours are over.
    pub session_until: Option<Timestamp>,
    /// The template for after that, and its parameters as they would be sent.
    pub template: Option<(TemplateRef, Vec<String>)>,
    /// What the person would read of the template, where its body is known.
    pub template_text: Option<String>,
    /// Why no template can be used, where none can.
    pub why_no_template: Option<String>,
}

/// Who is to hear what a reviewer approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Audience {
    /// The ticket's own reporter: of a group the primary ticket's.
    #[default]
    Reporter,
    /// Each distinct person who reported the same thing, once: members of the group, and merged duplicates.
    Everyone,
}

impl Review {
    /// Who would be told, where and how, if the entry were approved now.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], [`ReviewError::Storage`].
    pub async fn plan(&self, id: ChangelogEntryId) -> Result<Vec<PlannedDelivery>, ReviewError> {
        self.plan_audience(id, Audience::Reporter).await
    }

    /// The same for an audience.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], [`ReviewError::Storage`].
    pub async fn plan_audience(
        &self,
        id: ChangelogEntryId,
        audience: Audience,
    ) -> Result<Vec<PlannedDelivery>, ReviewError> {
        let loaded = self.load(id).await?;
        let mut plan = self.plan_for_all(&loaded, audience).await?;
        let text = self.opened(&loaded)?;
        let now = self.clock.now();
        for planned in &mut plan {
            if let DeliveryMode::SessionOrTemplate { template } = &planned.mode {
                let (template, last) = (template.clone(), planned.last_message_at);
                let text = text.as_ref().map_or("", |text| text.as_str());
                planned.whatsapp = Some(self.whatsapp_plan(template, last, text, now).await);
            }
            planned.restricted = planned.restriction(self.senders.as_deref());
        }
        Ok(plan)
    }

    async fn whatsapp_plan(
        &self,
        template: Option<TemplateRef>,
        last_message_at: Option<Timestamp>,
        text: &str,
        now: Timestamp,
    ) -> WhatsAppPlan {
        let session_until = last_message_at.map(window::closes_at).filter(|closes| now < *closes);
        // Asked as if the window were closed: that is when the template is needed.
        let later = window::whatsapp_mode(None, ProviderSays::Closed, template.as_ref(), text, now);
        let (template, why_no_template) = match later {
            Ok(WhatsAppMode::Template(used)) => (Some((used.template().clone(), used.parameters().to_vec())), None),
            Ok(WhatsAppMode::Session(_)) => (None, None),
            Err(window::Restricted::NoTemplate) => (None, Some(self.why_no_template().await)),
            Err(restricted) => (None, Some(restricted.to_string())),
        };
        let template_text = match &template {
            Some((template, parameters)) => self.body_of(template).await.map(|body| filled(&body, parameters)),
            None => None,
        };
        WhatsAppPlan {
            session_until,
            template,
            template_text,
            why_no_template,
        }
    }

    async fn why_no_template(&self) -> String {
        match self.fit().await {
            Some(TemplateFit::Unusable(why)) => why.to_owned(),
            _ => "no template is configured".to_owned(),
        }
    }

    async fn body_of(&self, template: &TemplateRef) -> Option<String> {
        match self.templates.as_ref()?.fit(template).await {
            TemplateFit::Usable { body } => body,
            TemplateFit::Unusable(_) => None,
        }
    }

    /// What is known of the configured template.
    async fn fit(&self) -> Option<TemplateFit> {
        let template = self.template.as_ref()?;
        Some(match &self.templates {
            Some(registry) => registry.fit(template).await,
            None => TemplateFit::Usable { body: None },
        })
    }

    /// The configured template, where it can be used: one that cannot is not approved for anybody.
    async fn usable_template(&self) -> Option<&TemplateRef> {
        match self.fit().await? {
            TemplateFit::Usable { .. } => self.template.as_ref(),
            TemplateFit::Unusable(_) => None,
        }
    }

    /// Each person once: the ticket's own reporter, then those of its group and of merged duplicates, oldest ticket first.
    /// Who was erased or asked not to be written to is left out, but for the ticket's own reporter, whose delivery says so.
    pub(super) async fn plan_for_all(
        &self,
        loaded: &Loaded,
        audience: Audience,
    ) -> Result<Vec<PlannedDelivery>, ReviewError> {
        let mut plan = self.plan_for(&loaded.ticket).await?;
        if audience == Audience::Reporter {
            return Ok(plan);
        }
        let mut told = Vec::new();
        for planned in &plan {
            told.push(
                self.person(planned.reporter)
                    .await?
                    .map_or(planned.reporter, |person| person.id),
            );
        }
        for ticket in self.tickets_about(&loaded.ticket).await? {
            for planned in self.plan_for(&ticket).await? {
                let Some(person) = self.person(planned.reporter).await? else {
                    continue;
                };
                if person.key.is_some() && !planned.opted_out && !told.contains(&person.id) {
                    told.push(person.id);
                    plan.push(planned);
                }
            }
        }
        Ok(plan)
    }

    /// Other tickets about the same thing: members of the ticket's group, and what was merged into any of them.
    async fn tickets_about(&self, ticket: &Ticket) -> Result<Vec<Ticket>, ReviewError> {
        let mut about = match ticket.group {
            Some(group) => self
                .storage
                .tickets_of(TicketsKey::Group(group))
                .await
                .map_err(ReviewError::Storage)?,
            None => vec![ticket.clone()],
        };
        let mut at = 0;
        while let Some(next) = about.get(at).map(|ticket| ticket.id) {
            at += 1;
            for link in self
                .storage
                .links(LinksKey::Ticket(next))
                .await
                .map_err(ReviewError::Storage)?
            {
                let merged_here = link.status == LinkStatus::Accepted && link.original == next;
                if !merged_here || about.iter().any(|known| known.id == link.ticket) {
                    continue;
                }
                let merged = self
                    .storage
                    .ticket(TicketKey::Id(link.ticket))
                    .await
                    .map_err(ReviewError::Storage)?;
                about.extend(merged.filter(|merged| merged.status == TicketStatus::Duplicate));
            }
        }
        about.retain(|other| other.id != ticket.id);
        about.sort_by_key(|ticket| (ticket.created_at, ticket.id));
        Ok(about)
    }
    /// The reporter hears where they wrote: in the thread of their last message on the ticket's channel.
    async fn plan_for(&self, ticket: &Ticket) -> Result<Vec<PlannedDelivery>, ReviewError> {
        let sources = self.storage.sources(ticket.id).await.map_err(ReviewError::Storage)?;
        let Some(opening) = sources.first() else {
            return Ok(Vec::new());
        };
        let last = sources
            .iter()
            .rev()
            .find(|source| source.author == opening.author)
            .unwrap_or(opening);
        let identity = self
            .storage
            .identity(IdentityKey::Id(last.author))
            .await
            .map_err(ReviewError::Storage)?;
        let Some(identity) = identity else {
            return Ok(Vec::new());
        };
        let template = match last.channel {
            Channel::WhatsApp => self.usable_template().await,
            _ => None,
        };
        Ok(vec![planned(last, &identity, template)])
    }
}

fn planned(source: &TicketSource, identity: &Identity, template: Option<&TemplateRef>) -> PlannedDelivery {
    let mode = match &source.thread {
        ThreadRef::Slack { thread_ts: Some(_), .. } => DeliveryMode::ThreadReply,
        ThreadRef::Slack { thread_ts: None, .. } => DeliveryMode::DirectMessage,
        ThreadRef::Intercom { .. } => DeliveryMode::ConversationReply,
        ThreadRef::WhatsApp { .. } => DeliveryMode::SessionOrTemplate {
            template: template.cloned(),
        },
        ThreadRef::Email { .. } => DeliveryMode::Email,
        ThreadRef::InApp => DeliveryMode::Inbox,
        ThreadRef::Backoffice => DeliveryMode::ByHand,
    };
    PlannedDelivery {
        reporter: identity.reporter,
        identity: identity.id,
        channel: source.channel,
        thread: source.thread.clone(),
        mode,
        opted_out: identity.opted_out_at.is_some(),
        last_message_at: identity.last_message_at,
        whatsapp: None,
        restricted: None,
    }
}

/// A template's body with its parameters in their places.
fn filled(body: &str, parameters: &[String]) -> String {
    let places = parameters.iter().enumerate();
    places.fold(body.to_owned(), |text, (index, parameter)| {
        text.replace(&format!("{{{{{}}}}}", index + 1), parameter)
    })
}
