//! Asks a channel's directory who a reporter is, so that one person is recognised on every channel.

use std::{collections::HashMap, sync::Arc};

use secrecy::{ExposeSecret, SecretString};

use super::{
    MergeError, MergeReporters, TRIES,
    sealing::{open, place, seal},
};
use crate::{
    domain::{Change, Channel, Identity, LinkKind, Reporter, ReporterId, Write},
    logic::identity::{fold_email, phone_variants},
    ports::{Directory, IndexKind, Person, PortError, PortErrorKind, ReporterKey, Storage, Vault},
};

/// Looks reporters up.
#[derive(Debug, Clone)]
pub struct LookUpReporter {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    merge: MergeReporters,
    directories: Arc<HashMap<Channel, Arc<dyn Directory>>>,
}

/// Why a reporter could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The directory failed.
    #[error("could not look the reporter up")]
    Directory(#[source] PortError),
    /// Storage or vault failed.
    #[error("could not load or store the reporter")]
    Storage(#[source] PortError),
}

impl LookUpReporter {
    /// The use case over its ports; one directory for a channel.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        merge: MergeReporters,
        directories: impl IntoIterator<Item = Arc<dyn Directory>>,
    ) -> Self {
        let directories = directories
            .into_iter()
            .map(|directory| (directory.channel(), directory))
            .collect();
        Self {
            storage,
            vault,
            merge,
            directories: Arc::new(directories),
        }
    }

    /// Fills in what the hub does not know of a reporter yet. What is known is not overwritten.
    ///
    /// # Errors
    /// [`LookUpError`]; nothing changed.
    #[tracing::instrument(name = "look_up.reporter", skip_all, fields(reporter.id = %id))]
    pub async fn look_up(&self, id: ReporterId) -> Result<(), LookUpError> {
        for identity in self.storage.identities(id).await.map_err(LookUpError::Storage)? {
            if let Some(person) = self.ask(&identity).await? {
                self.store(id, &person).await?;
                self.recognise(id, &person).await?;
            }
        }
        Ok(())
    }

    async fn ask(&self, identity: &Identity) -> Result<Option<Person>, LookUpError> {
        let Some(directory) = self.directories.get(&identity.channel) else {
            return Ok(None);
        };
        let Some(reporter) = self.load(identity.reporter).await? else {
            return Ok(None);
        };
        let at = place::of("reporter_identities", "external_user_id", *identity.id.as_uuid());
        let opened = open(&*self.vault, &reporter, at, &identity.external_user_id).map_err(LookUpError::Storage)?;
        let Some(external_user_id) = opened else {
            return Ok(None);
        };
        directory
            .person(&external_user_id)
            .await
            .map_err(LookUpError::Directory)
    }

    async fn store(&self, id: ReporterId, person: &Person) -> Result<(), LookUpError> {
        for _ in 0..TRIES {
            let Some(before) = self.load(id).await?.filter(|reporter| reporter.key.is_some()) else {
                return Ok(());
            };
            let after = self.filled_in(before.clone(), person).await?;
            if after == before {
                return Ok(());
            }
            match self
                .storage
                .commit(Change::new().with(Write::UpdateReporter(after)))
                .await
            {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(LookUpError::Storage(error)),
            }
        }
        Err(LookUpError::Storage(PortError::new(
            PortErrorKind::Conflict,
            "look_up.store",
        )))
    }

    /// An address that both this channel's provider and another one vouch for makes two reporters one person; the older
    /// one stays.
    async fn recognise(&self, id: ReporterId, person: &Person) -> Result<(), LookUpError> {
        let Some(email) = person.email.as_ref().filter(|_| person.email_verified) else {
            return Ok(());
        };
        let Some(folded) = fold_email(email.expose_secret()) else {
            return Ok(());
        };
        let index = self.vault.blind_index(IndexKind::Email, folded.as_bytes());
        let owner = self.storage.reporter(ReporterKey::VerifiedEmail(index)).await;
        let (Some(owner), Some(reporter)) = (owner.map_err(LookUpError::Storage)?, self.load(id).await?) else {
            return Ok(());
        };
        let (other, into) = if (owner.created_at, owner.id) <= (reporter.created_at, reporter.id) {
            (reporter.id, owner.id)
        } else {
            (owner.id, reporter.id)
        };
        match self.merge.merge_by_evidence(other, into, LinkKind::VerifiedEmail).await {
            Ok(_) | Err(MergeError::Same | MergeError::Erased | MergeError::NotFound) => Ok(()),
            Err(MergeError::Storage(error)) => Err(LookUpError::Storage(error)),
            Err(MergeError::NotMerged | MergeError::AddressTaken) => Ok(()),
        }
    }

    async fn filled_in(&self, mut reporter: Reporter, person: &Person) -> Result<Reporter, LookUpError> {
        if reporter.name.is_none() {
            reporter.name = self.sealed(&reporter, "name", person.name.as_ref())?;
        }
        if let (None, Some(email)) = (&reporter.email, &person.email)
            && let Some(folded) = fold_email(email.expose_secret())
        {
            let index = self.vault.blind_index(IndexKind::Email, folded.as_bytes());
            let owner = self
                .storage
                .reporter(ReporterKey::VerifiedEmail(index))
                .await
                .map_err(LookUpError::Storage)?;
            // Somebody else has proved the address: that the two are one person is for a reviewer to say.
            let free = owner.is_none_or(|owner| owner.id == reporter.id);
            reporter.email = self.sealed(&reporter, "email", Some(email))?;
            reporter.email_index = Some(index);
            reporter.email_verified = person.email_verified && free;
        }
        if let (None, Some(phone)) = (&reporter.phone, &person.phone) {
            reporter.phone = self.sealed(&reporter, "phone", Some(phone))?;
            let variants = phone_variants(phone.expose_secret());
            reporter.phone_index = variants
                .first()
                .map(|phone| self.vault.blind_index(IndexKind::Phone, phone.as_bytes()));
        }
        Ok(reporter)
    }

    fn sealed(
        &self,
        reporter: &Reporter,
        column: &'static str,
        value: Option<&SecretString>,
    ) -> Result<Option<crate::domain::Sealed>, LookUpError> {
        let Some(value) = value else { return Ok(None) };
        let at = place::of("reporters", column, *reporter.id.as_uuid());
        let sealed = seal(&*self.vault, reporter, at, value.expose_secret().as_bytes());
        sealed.map(Some).map_err(LookUpError::Storage)
    }

    async fn load(&self, id: ReporterId) -> Result<Option<Reporter>, LookUpError> {
        self.storage
            .reporter(ReporterKey::Id(id))
            .await
            .map_err(LookUpError::Storage)
    }
}
