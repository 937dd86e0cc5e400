//! Who would be told by an approval, where and how: what a reviewer reads beside the draft.

use feedback_core::{
    domain::{ChangelogEntry, Channel, ReporterId, Timestamp},
    usecases::{Audience, PlannedDelivery, Review},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::unexpected;
use crate::{api::words::ChannelWord, problem::Problem};

/// What an approval of the draft would do now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanBody {
    /// The ticket's own reporter; empty where there is nobody to tell.
    recipients: Vec<PlannedBody>,
    /// Who else reported it: they are told as well where the approval says `everyone`.
    others: Vec<PlannedBody>,
}

/// How one person would be told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedDelivery)]
pub(crate) struct PlannedBody {
    #[schema(value_type = Uuid)]
    reporter_id: ReporterId,
    #[schema(value_type = ChannelWord)]
    channel: Channel,
    /// The way that would be approved: `thread_reply`, `direct_message`, `conversation_reply`, `session_or_template`,
    /// `email`, `inbox` or `by_hand`.
    mode: &'static str,
    /// How it would go out now: the mode, or on WhatsApp `session` or `template`; null where it would not.
    sends_as: Option<&'static str>,
    /// Why the person would not be written to now; null where they would.
    restricted: Option<String>,
    /// Until when WhatsApp takes free text; null on other channels, and where the 24 hours are over.
    #[schema(value_type = Option<String>, format = DateTime)]
    window_closes_at: Option<Timestamp>,
    /// The same, as the time that is left.
    window_seconds_left: Option<u64>,
    /// What WhatsApp takes outside the 24 hours; null on other channels, and where no template can be used.
    template: Option<PlannedTemplate>,
    /// Why no template can be used on WhatsApp, where none can.
    why_no_template: Option<String>,
}

/// A template as it would be sent.
#[derive(Debug, Serialize, ToSchema)]
struct PlannedTemplate {
    name: String,
    language: String,
    /// In order, as they would be sent.
    parameters: Vec<String>,
    /// What the person would read; null where the template's body is not known.
    text: Option<String>,
}

impl PlanBody {
    /// What approving this draft would do at `now`.
    pub(super) async fn of(review: &Review, draft: &ChangelogEntry, now: Timestamp) -> Result<Self, Problem> {
        let refused = |error| unexpected(&error);
        let own = review.plan(draft.id).await.map_err(refused)?;
        let everyone = review
            .plan_audience(draft.id, Audience::Everyone)
            .await
            .map_err(refused)?;
        let others = everyone.iter().skip(own.len());
        Ok(Self {
            others: others.map(|planned| PlannedBody::of(planned, now)).collect(),
            recipients: own.iter().map(|planned| PlannedBody::of(planned, now)).collect(),
        })
    }
}

impl PlannedBody {
    fn of(planned: &PlannedDelivery, now: Timestamp) -> Self {
        let whatsapp = planned.whatsapp.as_ref();
        let closes = whatsapp.and_then(|plan| plan.session_until);
        let template = whatsapp.and_then(|plan| {
            let (template, parameters) = plan.template.as_ref()?;
            Some(PlannedTemplate {
                name: template.name.clone(),
                language: template.language.clone(),
                parameters: parameters.clone(),
                text: plan.template_text.clone(),
            })
        });
        Self {
            reporter_id: planned.reporter,
            channel: planned.channel,
            mode: planned.mode.as_str(),
            sends_as: planned.sends_as(),
            restricted: planned.restricted.clone(),
            window_closes_at: closes,
            window_seconds_left: closes.map(|closes| closes.since(now).as_secs()),
            template,
            why_no_template: whatsapp.and_then(|plan| plan.why_no_template.clone()),
        }
    }
}
