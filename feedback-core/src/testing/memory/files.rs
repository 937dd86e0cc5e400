//! A scripted source of files: it gives what it was told, and remembers what it was asked for.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    domain::Channel,
    ports::{FetchLimits, FetchedFile, FileSource, PortError, PortErrorKind},
};

/// A [`FileSource`] in memory.
pub struct ScriptedFiles {
    channel: Channel,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, FetchedFile>,
    failures: VecDeque<(PortErrorKind, &'static str)>,
    asked: Vec<String>,
}

impl ScriptedFiles {
    /// A source of a channel, without files.
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            state: Mutex::default(),
        }
    }

    /// Has a file under a reference from now on.
    pub fn offer(&self, reference: &str, bytes: impl Into<Vec<u8>>) {
        let file = FetchedFile {
            bytes: bytes.into(),
            content_type: None,
        };
        self.lock().files.insert(reference.to_owned(), file);
    }

    /// The next fetch fails in this way, with this code; called twice, the next two do.
    pub fn fail_next(&self, kind: PortErrorKind, code: &'static str) {
        self.lock().failures.push_back((kind, code));
    }

    /// References that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ScriptedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScriptedFiles({})", self.channel)
    }
}

#[async_trait]
impl FileSource for ScriptedFiles {
    fn channel(&self) -> Channel {
        self.channel
    }

    async fn fetch(&self, reference: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError> {
        const OPERATION: &str = "test.fetch";
        let mut state = self.lock();
        state.asked.push(reference.to_owned());
        if let Some((kind, code)) = state.failures.pop_front() {
            return Err(PortError::new(kind, OPERATION).with_code(code));
        }
        match state.files.get(reference) {
            None => Err(PortError::new(PortErrorKind::NotFound, OPERATION)),
            Some(file) if file.bytes.len() > limits.max_bytes => {
                Err(PortError::new(PortErrorKind::Rejected, OPERATION).with_code("too_large"))
            }
            Some(file) => Ok(file.clone()),
        }
    }
}
