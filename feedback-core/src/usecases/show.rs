//! What a signed-in person may read: names and originals, opened for one answer and dropped after it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{
    person::{family_of, person_of},
    sealing::{open, place},
};
use crate::{
    domain::{Identity, Reporter, ReporterId, Ticket, TicketNumber, UserId},
    ports::{PortError, ReporterKey, Storage, TicketKey, TicketsKey, Vault},
};

/// Opens what is sealed, for display.
#[derive(Debug, Clone)]
pub struct Show {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
}

/// Why something could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// Storage or vault failed.
    #[error("could not open what is sealed")]
    Storage(#[source] PortError),
}

/// How a reporter is named to a reviewer. `Debug` shows nothing of it.
#[derive(Clone, Default)]
pub struct ReporterName {
    /// Name.
    pub name: Option<Zeroizing<String>>,
    /// Email address.
    pub email: Option<Zeroizing<String>>,
    /// Phone number.
    pub phone: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for ReporterName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReporterName(..)")
    }
}

impl Show {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, vault: Arc<dyn Vault>) -> Self {
        Self { storage, vault }
    }

    /// Name and addresses of a reporter; empty once they are erased.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub fn reporter(&self, reporter: &Reporter) -> Result<ReporterName, ShowError> {
        let opened = |column, sealed: &Option<crate::domain::Sealed>| match sealed {
            None => Ok(None),
            Some(sealed) => open(
                &*self.vault,
                reporter,
                place::of("reporters", column, *reporter.id.as_uuid()),
                sealed,
            )
            .map_err(ShowError::Storage),
        };
        Ok(ReporterName {
            name: opened("name", &reporter.name)?,
            email: opened("email", &reporter.email)?,
            phone: opened("phone", &reporter.phone)?,
        })
    }

    /// The report as its author wrote it; `None` once it is purged or erased.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub async fn original(&self, ticket: &Ticket) -> Result<Option<Zeroizing<String>>, ShowError> {
        let Some(sealed) = &ticket.original else {
            return Ok(None);
        };
        let Some(reporter) = self.load(ticket.reporter).await? else {
            return Ok(None);
        };
        let at = place::of("tickets", "original", *ticket.id.as_uuid());
        open(&*self.vault, &reporter, at, sealed).map_err(ShowError::Storage)
    }

    /// The ticket of a number that people say.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub async fn find_ticket(&self, number: TicketNumber) -> Result<Option<Ticket>, ShowError> {
        self.storage
            .ticket(TicketKey::Number(number))
            .await
            .map_err(ShowError::Storage)
    }

    /// The name of a person who reviews, as colleagues see it.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub async fn user_name(&self, id: UserId) -> Result<Option<String>, ShowError> {
        let user = self.storage.user(id).await.map_err(ShowError::Storage)?;
        Ok(user.map(|user| user.name))
    }

    /// A reporter by id; merged ones lead to the person that they turned out to be.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub async fn find_reporter(&self, id: ReporterId) -> Result<Option<Reporter>, ShowError> {
        person_of(&*self.storage, id).await.map_err(ShowError::Storage)
    }

    /// Where a reporter writes from, oldest first.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub async fn identities(&self, id: ReporterId) -> Result<Vec<Identity>, ShowError> {
        self.storage.identities(id).await.map_err(ShowError::Storage)
    }

    /// What a person reported, as whoever the hub took them for; newest first. Empty where there is no such person.
    ///
    /// # Errors
    /// [`ShowError::Storage`].
    pub async fn tickets_of(&self, id: ReporterId) -> Result<Vec<Ticket>, ShowError> {
        let mut tickets = Vec::new();
        for member in family_of(&*self.storage, id).await.map_err(ShowError::Storage)? {
            let own = self.storage.tickets_of(TicketsKey::Reporter(member.id)).await;
            tickets.extend(own.map_err(ShowError::Storage)?);
        }
        tickets.sort_by_key(|ticket| std::cmp::Reverse((ticket.created_at, ticket.id)));
        Ok(tickets)
    }

    async fn load(&self, id: ReporterId) -> Result<Option<Reporter>, ShowError> {
        self.storage
            .reporter(ReporterKey::Id(id))
            .await
            .map_err(ShowError::Storage)
    }
}
