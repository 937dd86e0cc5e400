//! Who may: sign-in by a link that works once, sessions, API tokens. Storage has digests only.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    domain::{ApiToken, ApiTokenId, Change, SecretDigest, Session, SignInLink, Timestamp, User, UserId, Write},
    ports::{Clock, IdSource, IdSourceExt, PortError, Storage},
};

/// A session ends when it was not used for this long.
pub const IDLE_LIMIT: Duration = Duration::from_secs(30 * 60);
/// A session ends after this long whatever happens.
pub const SESSION_LIMIT: Duration = Duration::from_secs(12 * 60 * 60);
/// A sign-in link works this long.
pub const LINK_LIMIT: Duration = Duration::from_secs(60 * 60);
/// A session's last use is written down this often at most: not every page is a commit.
const SEEN_STEP: Duration = Duration::from_secs(60);

/// Lets people and programs in.
#[derive(Debug, Clone)]
pub struct Access {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// When the session ends whatever happens; `None` for an API token.
    pub expires_at: Option<Timestamp>,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Unknown, used, expired, revoked, or of a disabled person: which one is not told.
    #[error("not signed in")]
    Denied,
    /// The name is empty or too long.
    #[error("name must have 1 to 100 characters")]
    InvalidName,
    /// Storage failed.
    #[error("could not check access")]
    Storage(#[source] PortError),
}

impl Access {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { storage, clock, ids }
    }

    /// Adds a person who reviews.
    ///
    /// # Errors
    /// [`AccessError::InvalidName`], [`AccessError::Storage`].
    pub async fn add_user(&self, name: &str) -> Result<User, AccessError> {
        let user = User {
            id: self.ids.next(),
            name: checked_name(name)?,
            created_at: self.clock.now(),
            disabled_at: None,
        };
        self.commit(Change::new().with(Write::InsertUser(user.clone()))).await?;
        Ok(user)
    }

    /// A secret that signs a person in once, within the hour. It is told here and kept nowhere.
    ///
    /// # Errors
    /// [`AccessError::Denied`] for an unknown or disabled person, [`AccessError::Storage`].
    pub async fn sign_in_link(&self, user: UserId) -> Result<SecretString, AccessError> {
        self.active_user(user).await?;
        let secret = self.ids.secret();
        let expires_at = self.clock.now().plus(LINK_LIMIT);
        let link = SignInLink {
            digest: SecretDigest::of(secret.expose_secret()),
            user,
            expires_at,
        };
        self.commit(Change::new().with(Write::InsertSignInLink(link))).await?;
        Ok(secret)
    }

    /// Uses a sign-in link up and begins a session. The secret goes into the browser's cookie.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn sign_in(&self, secret: &str) -> Result<(SecretString, SignedIn), AccessError> {
        let digest = SecretDigest::of(secret);
        let now = self.clock.now();
        let link = self.storage.sign_in_link(digest).await.map_err(AccessError::Storage)?;
        let link = link.filter(|link| now < link.expires_at).ok_or(AccessError::Denied)?;
        let user = self.active_user(link.user).await?;
        let cookie = self.ids.secret();
        let session = Session {
            digest: SecretDigest::of(cookie.expose_secret()),
            user: user.id,
            created_at: now,
            seen_at: now,
            expires_at: now.plus(SESSION_LIMIT),
        };
        let expires_at = Some(session.expires_at);
        let change = Change::new()
            .with(Write::ConsumeSignInLink(digest))
            .with(Write::PutSession(session));
        match self.storage.commit(change).await {
            Ok(_) => Ok((cookie, SignedIn { user, expires_at })),
            Err(error) if error.is_conflict() => Err(AccessError::Denied),
            Err(error) => Err(AccessError::Storage(error)),
        }
    }

    /// Who a session cookie belongs to.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn session(&self, cookie: &str) -> Result<SignedIn, AccessError> {
        let now = self.clock.now();
        let session = self
            .storage
            .session(SecretDigest::of(cookie))
            .await
            .map_err(AccessError::Storage)?;
        let mut session = session
            .filter(|session| is_live(session, now))
            .ok_or(AccessError::Denied)?;
        let user = self.active_user(session.user).await?;
        if now.since(session.seen_at) >= SEEN_STEP {
            session.seen_at = now;
            self.commit(Change::new().with(Write::TouchSession(session.digest, session.seen_at)))
                .await?;
        }
        Ok(SignedIn {
            user,
            expires_at: Some(session.expires_at),
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn sign_out(&self, cookie: &str) -> Result<(), AccessError> {
        self.commit(Change::new().with(Write::DeleteSession(SecretDigest::of(cookie))))
            .await
    }

    /// Makes an API token that acts in a person's name. The secret is told here and kept nowhere.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn add_token(&self, name: &str, user: UserId) -> Result<(ApiTokenId, SecretString), AccessError> {
        let secret = self.ids.secret();
        let id = self.add_known_token(name, user, &secret).await?;
        Ok((id, secret))
    }

    /// Lets in a token whose secret comes from configuration; does nothing if it is known.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn add_known_token(
        &self,
        name: &str,
        user: UserId,
        secret: &SecretString,
    ) -> Result<ApiTokenId, AccessError> {
        self.active_user(user).await?;
        let digest = SecretDigest::of(secret.expose_secret());
        if let Some(known) = self.storage.api_token(digest).await.map_err(AccessError::Storage)? {
            return Ok(known.id);
        }
        let token = ApiToken {
            id: self.ids.next(),
            digest,
            name: checked_name(name)?,
            user,
            created_at: self.clock.now(),
            revoked_at: None,
        };
        let id = token.id;
        self.commit(Change::new().with(Write::InsertApiToken(token))).await?;
        Ok(id)
    }

    /// In whose name an API token acts.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn token(&self, secret: &str) -> Result<SignedIn, AccessError> {
        let token = self
            .storage
            .api_token(SecretDigest::of(secret))
            .await
            .map_err(AccessError::Storage)?;
        let token = token
            .filter(|token| token.revoked_at.is_none())
            .ok_or(AccessError::Denied)?;
        Ok(SignedIn {
            user: self.active_user(token.user).await?,
            expires_at: None,
        })
    }

    /// Ends a token that leaked or is not needed any more: from the commit on nothing is done in its name. One that was
    /// ended before stays as it is.
    ///
    /// # Errors
    /// [`AccessError::Denied`] for a secret that was never a token.
    pub async fn revoke_token(&self, secret: &str) -> Result<(), AccessError> {
        let digest = SecretDigest::of(secret);
        let token = self.storage.api_token(digest).await.map_err(AccessError::Storage)?;
        let token = token.ok_or(AccessError::Denied)?;
        if token.revoked_at.is_some() {
            return Ok(());
        }
        self.commit(Change::new().with(Write::RevokeApiToken(token.id, self.clock.now())))
            .await
    }

    async fn active_user(&self, id: UserId) -> Result<User, AccessError> {
        let user = self.storage.user(id).await.map_err(AccessError::Storage)?;
        user.filter(|user| user.disabled_at.is_none())
            .ok_or(AccessError::Denied)
    }

    async fn commit(&self, change: Change) -> Result<(), AccessError> {
        self.storage
            .commit(change)
            .await
            .map(|_| ())
            .map_err(AccessError::Storage)
    }
}

fn is_live(session: &Session, now: Timestamp) -> bool {
    now < session.expires_at && now.since(session.seen_at) < IDLE_LIMIT
}

fn checked_name(name: &str) -> Result<String, AccessError> {
    let name = name.trim();
    let legal = !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control);
    if legal {
        Ok(name.to_owned())
    } else {
        Err(AccessError::InvalidName)
    }
}
