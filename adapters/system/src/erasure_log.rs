use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use feedback_core::ports::{ErasureLog, LoggedErasure, PortError, PortErrorKind};

/// The erasure log as a file of JSON lines: `{"reporter":"…","at":"…"}`.
///
/// Keep it out of the database's backup, and bring it along when a backup is restored elsewhere. It is written a few times
/// a day at most, so that it writes and syncs on the calling thread.
#[derive(Debug)]
pub struct FileErasureLog {
    path: PathBuf,
    writing: Mutex<()>,
}

impl FileErasureLog {
    /// A log at `path`; the file is made with the first erasure. Does no I/O.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writing: Mutex::new(()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&self, erasure: LoggedErasure) -> std::io::Result<()> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // A line of its own also after a torn one: a crash in the middle of a write leaves no line end.
        let mut line = vec![b'\n'];
        serde_json::to_writer(&mut line, &erasure)?;
        line.push(b'\n');
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(&line)?;
        file.sync_data()?;
        if is_new && let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            // The name of a new file is durable only with its folder.
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn read(&self) -> std::io::Result<Vec<LoggedErasure>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut all = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            if !line.is_empty() {
                // Torn by a crash: its `append` was never answered, and nobody was erased by it.
                all.extend(serde_json::from_slice::<LoggedErasure>(&line).ok());
            }
        }
        Ok(all)
    }
}

#[async_trait]
impl ErasureLog for FileErasureLog {
    async fn append(&self, erasure: LoggedErasure) -> Result<(), PortError> {
        self.write(erasure).map_err(|error| failed("erasure_log.append", error))
    }

    async fn all(&self) -> Result<Vec<LoggedErasure>, PortError> {
        self.read().map_err(|error| failed("erasure_log.all", error))
    }
}

fn failed(operation: &'static str, error: std::io::Error) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation).with_source(error)
}

#[cfg(test)]
mod tests {
    use feedback_core::{
        domain::{ReporterId, Timestamp},
        ports::ErasureLog,
    };
    use uuid::Uuid;

    use super::*;

    fn erasure(number: u128) -> LoggedErasure {
        LoggedErasure {
            reporter: ReporterId::from_uuid(Uuid::from_u128(number)),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_was_appended_is_read_also_after_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = FileErasureLog::new(folder.path().join("erasures.jsonl"));
        futures::executor::block_on(async {
            assert_eq!(log.all().await.unwrap(), []);
            log.append(erasure(1)).await.unwrap();
            let mut file = OpenOptions::new().append(true).open(log.path()).unwrap();
            file.write_all(b"{\"reporter\":\"0000").unwrap();
            log.append(erasure(2)).await.unwrap();
            assert_eq!(log.all().await.unwrap(), [erasure(1), erasure(2)]);
        });
    }

    #[test]
    fn a_log_that_cannot_be_written_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let log = FileErasureLog::new(folder.path());
        let error = futures::executor::block_on(log.append(erasure(1))).unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unavailable);
    }
}
