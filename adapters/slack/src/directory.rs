//! Slack as a directory.

use async_trait::async_trait;
use feedback_core::{
    domain::Channel,
    ports::{Directory, Person, PortError},
};

use crate::{Slack, mapping};

#[async_trait]
impl Directory for Slack {
    fn channel(&self) -> Channel {
        Channel::Slack
    }

    #[tracing::instrument(name = "slack.person", skip_all)]
    async fn person(&self, external_user_id: &str) -> Result<Option<Person>, PortError> {
        if !mapping::is_id(external_user_id) {
            return Ok(None);
        }
        match self.user(external_user_id).await {
            Ok(user) => Ok(mapping::person(user)),
            // No such user, or one whom this workspace may not see. Another NotFound would be no word about a user.
            Err(error)
                if matches!(
                    error.code(),
                    Some("user_not_found" | "users_not_found" | "user_not_visible")
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
