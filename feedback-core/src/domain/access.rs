//! People who review, and how they prove it. Only digests of secrets are kept.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{ApiTokenId, Timestamp, UserId};

/// A person who reviews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Name that colleagues see.
    pub name: String,
    /// Added.
    pub created_at: Timestamp,
    /// When the person lost access.
    pub disabled_at: Option<Timestamp>,
}

/// SHA-256 of a bearer secret with 256 bits of randomness: a slow hash would add nothing to that.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of a secret as it is presented.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Wraps a digest that storage kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(..)")
    }
}

/// A person's signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Digest of the cookie's secret.
    pub digest: SecretDigest,
    /// Who.
    pub user: UserId,
    /// Signed in.
    pub created_at: Timestamp,
    /// Last used: idle sessions end.
    pub seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// A link that signs a person in, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInLink {
    /// Digest of the link's secret.
    pub digest: SecretDigest,
    /// Whom it signs in.
    pub user: UserId,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A bearer token for the API. What is done with it is done in the name of its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Id, for lists and revocation.
    pub id: ApiTokenId,
    /// Digest of the token.
    pub digest: SecretDigest,
    /// What it is for, in a person's words.
    pub name: String,
    /// In whose name it acts.
    pub user: UserId,
    /// Made.
    pub created_at: Timestamp,
    /// When it stopped working.
    pub revoked_at: Option<Timestamp>,
}
