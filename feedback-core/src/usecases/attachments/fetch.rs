//! A file that a message announced becomes bytes that the hub keeps, or a reason why not.

use std::{collections::HashMap, sync::Arc};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{blob_key, name_of, owner, place_of, raw_of, source_of};
use crate::{
    domain::{
        Actor, Attachment, AttachmentId, AttachmentStatus, Change, Channel, EventKind, JobPayload, NewJob, Reporter,
        TicketSource, Write,
    },
    logic::{
        file_type::{FileVerdict, judge},
        normalize::email,
    },
    ports::{
        AttachmentsKey, BlobStore, Clock, FetchLimits, FileSource, IdSource, IdSourceExt, PortError, PortErrorKind,
        Storage, Vault,
    },
    usecases::{sealing::seal, timeline::event},
};

/// Fetches files, and removes what is not to be kept any more.
#[derive(Debug, Clone)]
pub struct FetchAttachment {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    sources: Arc<HashMap<Channel, Arc<dyn FileSource>>>,
    limits: FetchLimits,
}

/// Why a file could not be fetched now. What can never be fetched is no error: the ticket says so.
#[derive(Debug, thiserror::Error)]
pub enum FetchAttachmentError {
    /// The provider failed.
    #[error("could not fetch the file")]
    Source(#[source] PortError),
    /// The blob store failed.
    #[error("could not keep or remove the file")]
    Blobs(#[source] PortError),
    /// Storage or vault failed.
    #[error("could not load or store the attachment")]
    Storage(#[source] PortError),
}

/// What became of a file.
enum Settled {
    Stored {
        content_type: &'static str,
        size: u64,
        sha256: String,
    },
    Refused(String),
    Failed(String),
}

impl FetchAttachment {
    /// The use case over its ports; one source of files for a channel.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        blobs: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        sources: impl IntoIterator<Item = Arc<dyn FileSource>>,
    ) -> Self {
        let sources = sources.into_iter().map(|source| (source.channel(), source)).collect();
        Self {
            storage,
            vault,
            blobs,
            clock,
            ids,
            sources: Arc::new(sources),
            limits: FetchLimits::default(),
        }
    }

    /// Fetches a file and keeps it. A repeat changes nothing; one that failed before is tried anew.
    ///
    /// # Errors
    /// [`FetchAttachmentError`]; the attachment stands as it stood.
    #[tracing::instrument(name = "attachment.fetch", skip_all, fields(attachment.id = %id))]
    pub async fn fetch(&self, id: AttachmentId) -> Result<(), FetchAttachmentError> {
        let Some(file) = self.load(id).await? else {
            return Ok(());
        };
        match file.status {
            AttachmentStatus::Announced | AttachmentStatus::Failed => {}
            AttachmentStatus::Stored | AttachmentStatus::Refused => return Ok(()),
            // A run before this one may have put the bytes just before the erasure, and died before it could remove them.
            AttachmentStatus::Erased => return self.delete_blob(&blob_key(id)).await,
        }
        let source = source_of(&*self.storage, &file)
            .await
            .map_err(FetchAttachmentError::Storage)?;
        let owned = owner(&*self.storage, &*self.vault, &file, source.as_ref())
            .await
            .map_err(FetchAttachmentError::Storage)?;
        let (Some(source), Some((owner, reference))) = (source, owned) else {
            return self.settle(file, Settled::Failed("message_gone".to_owned())).await;
        };
        let bytes = match self.bytes(&file, &owner, &source, &reference).await? {
            Ok(bytes) => bytes,
            Err(settled) => return self.settle(file, settled).await,
        };
        let name = name_of(&*self.vault, &owner, &file).map_err(FetchAttachmentError::Storage)?;
        let content_type = match judge(&bytes, name.as_ref().map(|name| name.as_str())) {
            FileVerdict::Keep(content_type) => content_type,
            FileVerdict::Refuse(reason) => return self.settle(file, Settled::Refused(reason.to_owned())).await,
        };
        let settled = Settled::Stored {
            content_type,
            size: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&bytes)),
        };
        let sealed =
            seal(&*self.vault, &owner, place_of(&id, "blob"), &bytes).map_err(FetchAttachmentError::Storage)?;
        self.blobs
            .put(&blob_key(id), sealed.as_bytes().to_vec())
            .await
            .map_err(FetchAttachmentError::Blobs)?;
        self.settle(file, settled).await
    }

    /// What a job leaves behind that gave up: its file will not come by itself any more. Empty where the file says so already.
    /// Committed together with the job's burial.
    ///
    /// # Errors
    /// [`FetchAttachmentError::Storage`].
    pub async fn left_behind(&self, id: AttachmentId) -> Result<Change, FetchAttachmentError> {
        let waiting = |file: &Attachment| file.status == AttachmentStatus::Announced;
        let file = self.load(id).await?.filter(waiting);
        let settled = Settled::Failed("gave_up".to_owned());
        Ok(file
            .and_then(|file| self.settled(file, settled))
            .map_or_else(Change::new, |(_, change)| change))
    }

    /// Removes the bytes of a file whose person was erased, or whose time was up.
    ///
    /// # Errors
    /// [`FetchAttachmentError::Blobs`].
    #[tracing::instrument(name = "attachment.delete_blob", skip_all)]
    pub async fn delete_blob(&self, key: &str) -> Result<(), FetchAttachmentError> {
        self.blobs.delete(key).await.map_err(FetchAttachmentError::Blobs)
    }

    async fn load(&self, id: AttachmentId) -> Result<Option<Attachment>, FetchAttachmentError> {
        let found = self.storage.attachments(AttachmentsKey::Id(id)).await;
        Ok(found.map_err(FetchAttachmentError::Storage)?.into_iter().next())
    }

    /// The bytes, or why there will be none. A mail's files are inside the mail, so nobody is asked for them.
    async fn bytes(
        &self,
        file: &Attachment,
        owner: &Reporter,
        source: &TicketSource,
        reference: &str,
    ) -> Result<Result<Vec<u8>, Settled>, FetchAttachmentError> {
        let refused = |reason: &str| Ok(Err(Settled::Refused(reason.to_owned())));
        let failed = |reason: &str| Ok(Err(Settled::Failed(reason.to_owned())));
        if file.size_bytes.is_some_and(|size| size > self.limits.max_bytes as u64) {
            return refused("too_large");
        }
        if file.channel == Channel::Email {
            let raw = raw_of(&*self.vault, owner, source).map_err(FetchAttachmentError::Storage)?;
            let Some(raw) = raw else { return failed("message_gone") };
            match email::file(&raw, reference) {
                Some(bytes) if bytes.len() > self.limits.max_bytes => return refused("too_large"),
                Some(bytes) => return Ok(Ok(bytes)),
                // A forwarding function that keeps files elsewhere comes with a host that knows where.
                None if self.sources.contains_key(&Channel::Email) => {}
                None => return failed("not_in_the_mail"),
            }
        }
        let Some(provider) = self.sources.get(&file.channel) else {
            return failed("no_source");
        };
        match provider.fetch(reference, &self.limits).await {
            Ok(fetched) if fetched.bytes.len() > self.limits.max_bytes => refused("too_large"),
            Ok(fetched) => Ok(Ok(fetched.bytes)),
            Err(error) => {
                let code = error.code().unwrap_or("refused").to_owned();
                match error.kind() {
                    PortErrorKind::Rejected | PortErrorKind::ChannelRestricted => Ok(Err(Settled::Refused(code))),
                    PortErrorKind::NotFound => failed("gone"),
                    _ => Err(FetchAttachmentError::Source(error)),
                }
            }
        }
    }

    async fn settle(&self, file: Attachment, settled: Settled) -> Result<(), FetchAttachmentError> {
        let id = file.id;
        let Some((status, change)) = self.settled(file, settled) else {
            return Ok(());
        };
        match self.storage.commit(change).await {
            Ok(_) => Ok(()),
            // Its person was erased while it was fetched.
            Err(error) if error.is_conflict() && status == AttachmentStatus::Stored => self.undo(id).await,
            Err(error) => Err(FetchAttachmentError::Storage(error)),
        }
    }

    /// A file's new status and the writes of it; `None` where the timeline says so already.
    fn settled(&self, mut file: Attachment, settled: Settled) -> Option<(AttachmentStatus, Change)> {
        let (id, ticket, before) = (file.id, file.ticket, file.status);
        let (kind, data) = match &settled {
            Settled::Stored {
                content_type,
                size,
                sha256,
            } => {
                file.status = AttachmentStatus::Stored;
                file.content_type = Some((*content_type).to_owned());
                file.size_bytes = Some(*size);
                file.sha256 = Some(sha256.clone());
                file.blob_key = Some(blob_key(id));
                (
                    EventKind::AttachmentStored,
                    json!({"attachment": id, "size": size, "type": content_type}),
                )
            }
            Settled::Refused(reason) => {
                file.status = AttachmentStatus::Refused;
                (
                    EventKind::AttachmentRefused,
                    json!({"attachment": id, "reason": reason}),
                )
            }
            Settled::Failed(reason) => {
                file.status = AttachmentStatus::Failed;
                (EventKind::AttachmentFailed, json!({"attachment": id, "reason": reason}))
            }
        };
        if file.status == before {
            return None;
        }
        metrics::counter!("feedback_attachments_total", "status" => file.status.as_str()).increment(1);
        let status = file.status;
        let change = Change::new().with(Write::UpdateAttachment(Box::new(file))).with(event(
            &*self.ids,
            ticket,
            kind,
            Actor::Hub,
            data,
            self.clock.now(),
        ));
        Some((status, change))
    }

    /// Removes bytes that came too late; where the blob store is away, a job does it.
    async fn undo(&self, id: AttachmentId) -> Result<(), FetchAttachmentError> {
        let key = blob_key(id);
        if self.blobs.delete(&key).await.is_ok() {
            return Ok(());
        }
        let job = NewJob::now(
            self.ids.next(),
            JobPayload::DeleteBlob { key: key.clone() },
            self.clock.now(),
        );
        let change = Change::new().with(Write::Enqueue(job.unique(format!("delete_blob:{key}"))));
        let queued = self.storage.commit(change).await;
        queued.map(|_| ()).map_err(FetchAttachmentError::Storage)
    }
}
