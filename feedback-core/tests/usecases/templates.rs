//! WhatsApp's templates, checked before anything needs them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use feedback_core::{
    Hub, HubSettings,
    domain::{Channel, DeliveryMode, NotificationStatus, TemplateRef, TicketId},
    ports::{MessageTemplate, PortError, PortErrorKind, TemplateStanding, Templates},
    testing::hub::{TestHub, ticket_of},
};
use std::time::Duration;

use crate::{deliver::notification, journey::resolve, payloads};

fn wanted() -> TemplateRef {
    TemplateRef {
        name: "feedback_update".into(),
        language: "es".into(),
    }
}

/// The provider's list, which a test changes.
#[derive(Debug)]
struct Listed {
    answer: Mutex<Result<TemplateStanding, PortErrorKind>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Templates for Listed {
    async fn templates(&self) -> Result<Vec<MessageTemplate>, PortError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match *self.answer.lock().unwrap() {
            Err(kind) => Err(PortError::new(kind, "test.templates")),
            Ok(standing) => Ok(vec![MessageTemplate {
                template: wanted(),
                standing,
                body: "Hola, hay novedades: {{1}}".into(),
                wants_more: false,
            }]),
        }
    }
}

struct World {
    test: TestHub,
    hub: Hub,
    listed: Arc<Listed>,
    ticket: TicketId,
}

impl World {
    async fn new(answer: Result<TemplateStanding, PortErrorKind>) -> Self {
        let test = TestHub::with_settings(HubSettings {
            template: Some(wanted()),
            ..HubSettings::default()
        })
        .await;
        let listed = Arc::new(Listed {
            answer: Mutex::new(answer),
            asked: AtomicUsize::new(0),
        });
        let hub = Hub::clone(&test.hub).with_templates(listed.clone());
        let body = payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_600, "the export hangs")]);
        let ticket = ticket_of(&test.receive(Channel::WhatsApp, body).await);
        test.run_due_jobs().await;
        resolve(&test, ticket).await;
        Self {
            test,
            hub,
            listed,
            ticket,
        }
    }

    async fn plan(&self) -> feedback_core::usecases::WhatsAppPlan {
        let entry = self.hub.review.newest_of(self.ticket).await.unwrap().unwrap();
        let plan = self.hub.review.plan(entry.id).await.unwrap();
        plan[0].whatsapp.clone().expect("it is WhatsApp")
    }

    async fn approve(&self) {
        let entry = self.hub.review.newest_of(self.ticket).await.unwrap().unwrap();
        let by = self.test.reviewer.id;
        self.hub
            .review
            .approve(entry.id, entry.version, by, None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_reviewer_reads_what_the_person_would_and_how_long_free_text_is_allowed() {
    let world = World::new(Ok(TemplateStanding::Approved)).await;
    let plan = world.plan().await;
    assert!(plan.session_until.is_some());
    let (template, parameters) = plan.template.expect("a template");
    assert_eq!(template, wanted());
    let text = plan.template_text.expect("its body is known");
    assert_eq!(text, format!("Hola, hay novedades: {}", parameters[0]));
    world.test.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(world.plan().await.session_until, None);
}

#[tokio::test]
async fn f82_a_template_that_cannot_be_used_is_not_approved_and_the_delivery_waits() {
    for standing in [
        TemplateStanding::Paused,
        TemplateStanding::Pending,
        TemplateStanding::Disabled,
    ] {
        let world = World::new(Ok(standing)).await;
        let plan = world.plan().await;
        assert_eq!(plan.template, None, "{standing:?}");
        assert!(plan.why_no_template.unwrap().contains("the template"), "{standing:?}");
        world.test.clock.advance(Duration::from_secs(25 * 3600));
        world.approve().await;
        let DeliveryMode::SessionOrTemplate { template } = notification(&world.test).mode else {
            panic!("WhatsApp")
        };
        assert_eq!(template, None, "{standing:?}");
        world.test.run_due_jobs().await;
        assert_eq!(notification(&world.test).status, NotificationStatus::ChannelRestricted);
        assert_eq!(
            world.test.whatsapp.calls(),
            0,
            "{standing:?}: nothing is tried that must fail"
        );
    }
}

#[tokio::test]
async fn the_list_is_asked_for_again_after_ten_minutes_and_not_before() {
    let world = World::new(Ok(TemplateStanding::Paused)).await;
    for _ in 0..3 {
        world.plan().await;
    }
    assert_eq!(world.listed.asked.load(Ordering::SeqCst), 1);
    *world.listed.answer.lock().unwrap() = Ok(TemplateStanding::Approved);
    assert_eq!(world.plan().await.template, None, "what was said stands for a while");
    world.test.clock.advance(Duration::from_secs(601));
    assert!(world.plan().await.template.is_some());
    assert_eq!(world.listed.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn while_nobody_can_be_asked_the_provider_has_the_last_word_at_sending() {
    let world = World::new(Err(PortErrorKind::NotSent)).await;
    let plan = world.plan().await;
    assert!(plan.template.is_some() && plan.template_text.is_none());
    *world.listed.answer.lock().unwrap() = Ok(TemplateStanding::Paused);
    assert_eq!(world.plan().await.template, None);
    *world.listed.answer.lock().unwrap() = Err(PortErrorKind::Unavailable);
    world.test.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.plan().await.template, None, "what it said last stands");
}
