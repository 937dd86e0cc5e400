//! What follows an accepted message: statuses, announced until the hub takes them.

use std::sync::Arc;

use super::{Receipts, WhatsAppMessage, WhatsAppState, errors::title, number_of};
use crate::{
    webhooks::{WhatsAppStatus, whatsapp::statuses},
    world::World,
};

/// Lets the statuses follow in the background, one after the other.
pub(super) fn follow_up(world: &Arc<World>, message: WhatsAppMessage, failure: Option<i64>) {
    let steps = steps(world.whatsapp.lock().receipts, failure);
    let background = Arc::clone(world);
    world.hub.spawn(async move {
        for state in steps {
            tokio::time::sleep(background.config.whatsapp.status_pause).await;
            report(&background, &message, state, failure).await;
        }
    });
}

fn steps(receipts: Receipts, failure: Option<i64>) -> Vec<WhatsAppState> {
    use WhatsAppState::{Delivered, Failed, Read, Sent};
    match (failure, receipts) {
        // Refused before it left: there was no `sent`.
        (Some(131_047 | 131_026), _) => vec![Failed],
        (Some(_), _) => vec![Sent, Failed],
        (None, Receipts::All) => vec![Sent, Delivered, Read],
        (None, Receipts::UpToDelivered) => vec![Sent, Delivered],
        (None, Receipts::Reversed) => vec![Read, Delivered, Sent],
        (None, Receipts::Repeated) => vec![Sent, Sent, Delivered, Delivered, Read, Read],
        (None, Receipts::None) => Vec::new(),
    }
}

async fn report(world: &Arc<World>, message: &WhatsAppMessage, state: WhatsAppState, failure: Option<i64>) {
    let now = world.clock.now();
    let is_failure = state == WhatsAppState::Failed;
    let error = failure.filter(|_| is_failure);
    {
        let mut known = world.whatsapp.lock();
        if let Some(known) = known.messages.iter_mut().find(|known| known.wamid == message.wamid) {
            known.history.push((state, now));
            known.error_code = error.or(known.error_code);
        }
    }
    let status = WhatsAppStatus {
        wamid: message.wamid.clone(),
        status: state.as_str().to_owned(),
        recipient: message.to.clone(),
        at: now,
        callback_data: message.callback_data.clone(),
        error: error.map(|code| (code, title(code).to_owned(), title(code).to_owned())),
    };
    // In order, but not waiting for a hub that is down: later statuses overtake, as Meta's do.
    world.announce(statuses(&number_of(world), &[status]));
}
