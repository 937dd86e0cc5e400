//! Files as a signed-in person may see them: opened for one answer and dropped after it.

use std::{collections::HashMap, fmt, sync::Arc};

use zeroize::Zeroizing;

use super::{name_of, owner, place_of, source_of};
use crate::{
    domain::{Attachment, AttachmentId, AttachmentStatus, Sealed, SourceId, TicketSource},
    ports::{AttachmentsKey, BlobStore, PortError, PortErrorKind, Storage, Vault},
    usecases::{sealing::open_bytes, show::ShowError},
};

/// Opens files and their names, for display and download.
#[derive(Debug, Clone)]
pub struct ShowAttachments {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    blobs: Arc<dyn BlobStore>,
}

/// A file with its name. `Debug` does not show it.
#[derive(Clone)]
pub struct NamedAttachment {
    /// The file's row.
    pub attachment: Attachment,
    /// Its name as the person had it: not safe for headers or disks, see [`safe_name`](crate::logic::file_name::safe_name).
    pub name: Option<Zeroizing<String>>,
}

impl fmt::Debug for NamedAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedAttachment")
            .field("attachment", &self.attachment)
            .finish_non_exhaustive()
    }
}

/// A file's bytes, to be handed on. `Debug` shows none.
pub struct OpenedFile {
    /// Its name as the person had it.
    pub name: Option<Zeroizing<String>>,
    /// What its bytes are, of the types that are kept.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for OpenedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedFile({} bytes)", self.bytes.len())
    }
}

impl ShowAttachments {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, vault: Arc<dyn Vault>, blobs: Arc<dyn BlobStore>) -> Self {
        Self { storage, vault, blobs }
    }

    /// The files of a ticket's messages with their names, in the order given. A name that cannot be opened is left out, and
    /// logged: it must not keep the ticket from being shown.
    pub async fn named(&self, files: Vec<Attachment>, sources: &[TicketSource]) -> Vec<NamedAttachment> {
        let by_id: HashMap<SourceId, &TicketSource> = sources.iter().map(|source| (source.id, source)).collect();
        let mut named = Vec::with_capacity(files.len());
        for attachment in files {
            let source = by_id.get(&attachment.source).copied();
            let name = match self.name(&attachment, source).await {
                Ok(name) => name,
                Err(error) => {
                    tracing::warn!(attachment.id = %attachment.id, %error, "could not open a file's name");
                    None
                }
            };
            named.push(NamedAttachment { attachment, name });
        }
        named
    }

    /// A stored file; `None` where there is none, or it is not stored (any more).
    ///
    /// # Errors
    /// [`ShowError::Storage`] where storage, vault or blob store failed, or the bytes are not those that were stored.
    #[tracing::instrument(name = "attachment.open", skip_all, fields(attachment.id = %id))]
    pub async fn file(&self, id: AttachmentId) -> Result<Option<OpenedFile>, ShowError> {
        self.open(id).await.map_err(ShowError::Storage)
    }

    async fn open(&self, id: AttachmentId) -> Result<Option<OpenedFile>, PortError> {
        let found = self.storage.attachments(AttachmentsKey::Id(id)).await?;
        let Some(file) = found.into_iter().next() else {
            return Ok(None);
        };
        let (AttachmentStatus::Stored, Some(key)) = (file.status, &file.blob_key) else {
            return Ok(None);
        };
        let source = source_of(&*self.storage, &file).await?;
        let Some((owner, _)) = owner(&*self.storage, &*self.vault, &file, source.as_ref()).await? else {
            return Ok(None);
        };
        let sealed = match self.blobs.get(key).await {
            Ok(bytes) => Sealed::from_bytes(bytes),
            Err(error) if error.kind() == PortErrorKind::NotFound => {
                // A blob store that was not restored with its database, or was emptied by hand.
                tracing::error!(attachment.id = %id, "a stored file is not in the blob store");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // The vault proves that the bytes are those that were sealed for this very row.
        let Some(bytes) = open_bytes(&*self.vault, &owner, place_of(&id, "blob"), &sealed)? else {
            return Ok(None);
        };
        Ok(Some(OpenedFile {
            name: name_of(&*self.vault, &owner, &file)?,
            content_type: file
                .content_type
                .unwrap_or_else(|| crate::logic::file_type::OPAQUE.to_owned()),
            bytes,
        }))
    }

    async fn name(
        &self,
        file: &Attachment,
        source: Option<&TicketSource>,
    ) -> Result<Option<Zeroizing<String>>, PortError> {
        if file.name.is_none() {
            return Ok(None);
        }
        match owner(&*self.storage, &*self.vault, file, source).await? {
            Some((owner, _)) => name_of(&*self.vault, &owner, file),
            None => Ok(None),
        }
    }
}
