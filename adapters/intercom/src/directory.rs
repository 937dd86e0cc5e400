//! Intercom as a directory.

use async_trait::async_trait;
use feedback_core::{
    domain::Channel,
    ports::{Directory, Person, PortError, PortErrorKind},
};

use crate::{Intercom, mapping};

#[async_trait]
impl Directory for Intercom {
    fn channel(&self) -> Channel {
        Channel::Intercom
    }

    #[tracing::instrument(name = "intercom.person", skip_all)]
    async fn person(&self, external_user_id: &str) -> Result<Option<Person>, PortError> {
        if !mapping::is_id(external_user_id) {
            return Ok(None);
        }
        match self.contact(external_user_id).await {
            Ok(contact) => Ok(Some(mapping::person(contact))),
            Err(error) if error.kind() == PortErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
