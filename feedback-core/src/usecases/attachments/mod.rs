//! Files that came with messages: fetched by a job, kept sealed under their author's key, shown to people who review.

mod fetch;
mod show;

pub use self::{
    fetch::{FetchAttachment, FetchAttachmentError},
    show::{NamedAttachment, OpenedFile, ShowAttachments},
};

use zeroize::Zeroizing;

use super::sealing::{open, open_bytes, place};
use crate::{
    domain::{Attachment, AttachmentId, EventKind, Reporter, TicketEvent, TicketSource},
    ports::{IdentityKey, Place, PortError, ReporterKey, Storage, Vault},
};

/// Where a file's bytes are kept: made of ids alone, so that a job that runs twice puts them in one place, and one that comes
/// after an erasure knows what to remove.
pub(crate) fn blob_key(id: AttachmentId) -> String {
    format!("attachments/{id}")
}

const fn place_of(id: &AttachmentId, column: &'static str) -> Place {
    place::of("attachments", column, *id.as_uuid())
}

/// Why a file is not there, as its ticket's timeline says; `None` while it is on its way, or once it is stored.
pub fn attachment_reason(events: &[TicketEvent], id: AttachmentId) -> Option<&str> {
    let about = |event: &&TicketEvent| {
        matches!(event.kind, EventKind::AttachmentRefused | EventKind::AttachmentFailed)
            && event.data.get("attachment").and_then(|value| value.as_str()) == Some(id.to_string().as_str())
    };
    events.iter().rev().find(about)?.data.get("reason")?.as_str()
}

/// The person under whose key a file is sealed (the author of its message: merging two people seals nothing anew), and the
/// file's reference. `None` once they are erased.
async fn owner(
    storage: &dyn Storage,
    vault: &dyn Vault,
    file: &Attachment,
    source: Option<&TicketSource>,
) -> Result<Option<(Reporter, Zeroizing<String>)>, PortError> {
    let Some(source) = source else { return Ok(None) };
    let Some(author) = storage.identity(IdentityKey::Id(source.author)).await? else {
        return Ok(None);
    };
    let Some(reporter) = storage.reporter(ReporterKey::Id(author.reporter)).await? else {
        return Ok(None);
    };
    let reference = open(vault, &reporter, place_of(&file.id, "reference"), &file.reference)?;
    Ok(reference.map(|reference| (reporter, reference)))
}

/// The message of a file.
async fn source_of(storage: &dyn Storage, file: &Attachment) -> Result<Option<TicketSource>, PortError> {
    let sources = storage.sources(file.ticket).await?;
    Ok(sources.into_iter().find(|source| source.id == file.source))
}

/// The file's name as the person had it.
fn name_of(vault: &dyn Vault, owner: &Reporter, file: &Attachment) -> Result<Option<Zeroizing<String>>, PortError> {
    let Some(name) = &file.name else { return Ok(None) };
    open(vault, owner, place_of(&file.id, "name"), name)
}

/// The bytes behind a message as it was received; `None` once they are purged or erased.
fn raw_of(vault: &dyn Vault, owner: &Reporter, source: &TicketSource) -> Result<Option<Zeroizing<Vec<u8>>>, PortError> {
    let Some(raw) = &source.raw else { return Ok(None) };
    open_bytes(
        vault,
        owner,
        place::of("ticket_sources", "raw", *source.id.as_uuid()),
        raw,
    )
}
