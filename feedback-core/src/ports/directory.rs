use std::{fmt, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretString;

use super::PortError;
use crate::domain::Channel;

/// Who a channel's user is, as the provider knows them. Secret types: this is a person's data on its way to the vault.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Name for people to read.
    pub name: Option<SecretString>,
    /// Email address.
    pub email: Option<SecretString>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// Phone number as the provider has it.
    pub phone: Option<SecretString>,
}

/// Looks a channel user up, so that one person is recognised on every channel.
///
/// # What an implementer guarantees
/// - *Read only:* nothing changes at the provider.
/// - *Honest about trust:* `email_verified` only where the provider proved the address or the workspace vouches for it.
/// - *Bounded*, *silent:* as [`ChannelSender`](super::ChannelSender).
///
/// Prove it with [`testing::conformance::directory`](crate::testing::conformance::directory).
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// The channel whose users it knows.
    fn channel(&self) -> Channel;

    /// Who a user is; `None` where the provider knows no such user.
    ///
    /// # Errors
    /// `RateLimited`, `Unauthorized`, `Unavailable`, `NotSent`, `Unknown`.
    async fn person(&self, external_user_id: &str) -> Result<Option<Person>, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Directory + ?Sized> Directory for $wrapper<T> {
            fn channel(&self) -> Channel {
                (**self).channel()
            }

            async fn person(&self, external_user_id: &str) -> Result<Option<Person>, PortError> {
                (**self).person(external_user_id).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
