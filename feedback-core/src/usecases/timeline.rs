//! One line for one event: every use case leaves some.

use serde_json::Value;

use crate::{
    domain::{Actor, EventKind, TicketEvent, TicketId, Timestamp, Write},
    ports::{IdSource, IdSourceExt},
};

/// The write of an event. `data` holds ids, codes and names of states; never a customer's words.
pub(crate) fn event(
    ids: &dyn IdSource,
    ticket: TicketId,
    kind: EventKind,
    actor: Actor,
    data: Value,
    at: Timestamp,
) -> Write {
    Write::AppendEvent(TicketEvent {
        id: ids.next(),
        ticket,
        kind,
        actor,
        data,
        at,
    })
}
