use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::PortError;
use crate::domain::Channel;

/// How much of a file is read, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Longest file, in bytes.
    pub max_bytes: usize,
    /// Longest time for the whole fetch: look-ups, connecting and reading together.
    pub time: Duration,
}

impl Default for FetchLimits {
    /// 10 MiB in 10 s.
    fn default() -> Self {
        Self {
            max_bytes: 10 * 1024 * 1024,
            time: Duration::from_secs(10),
        }
    }
}

/// A file as its provider gave it. `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchedFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the provider says it is. A claim: what is shown is read from the bytes.
    pub content_type: Option<String>,
}

impl fmt::Debug for FetchedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FetchedFile({} bytes)", self.bytes.len())
    }
}

/// Gives the bytes of files that came with messages of one channel.
///
/// A reference came with a message, so somebody outside chose it: fetching what it names is a request that a stranger makes
/// with our network and our token.
///
/// # What an implementer guarantees
/// - *Contained:* bytes come from the provider's own hosts alone, over TLS, from public addresses; no redirect is followed. A
///   reference that leads elsewhere is `Rejected` before anything is sent there.
/// - *Discreet:* a token goes to the exact host that it belongs to, and to no other.
/// - *Bounded:* no more than `limits.max_bytes` are held, whatever the answer says of its length; a longer file is `Rejected`
///   with the code `too_large`. Every call ends within `limits.time`.
/// - *Cancel safe:* a fetch changes nothing; calling again is fine.
/// - *Silent:* no reference, token or content in errors, spans or `Debug`.
#[async_trait]
pub trait FileSource: fmt::Debug + Send + Sync + 'static {
    /// The channel whose files it gives.
    fn channel(&self) -> Channel;

    /// The file that a message's reference names.
    ///
    /// # Errors
    /// `Rejected` for what is not fetched for safety, with a code that a person may read (`foreign_address`,
    /// `forbidden_address`, `redirected`, `encoded`, `too_large`, `bad_reference`); `NotFound` where the provider does not
    /// have it any more; else as any call to a provider.
    async fn fetch(&self, reference: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: FileSource + ?Sized> FileSource for $wrapper<T> {
            fn channel(&self) -> Channel {
                (**self).channel()
            }

            async fn fetch(&self, reference: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError> {
                (**self).fetch(reference, limits).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
