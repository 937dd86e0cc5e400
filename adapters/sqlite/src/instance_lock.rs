//! One process for one file. The operating system frees the lock when the process ends, however it ends: so whoever
//! gets it knows that the process before is gone, and may take back its leases at once.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::error::OpenError;

const WRITTEN: &str = "written";

#[derive(Debug)]
pub(crate) struct InstanceLock {
    file: File,
    path: PathBuf,
    /// Whether a hub has ever written its schema behind this lock.
    was_written: bool,
}

impl InstanceLock {
    pub(crate) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut name = OsString::from(database);
        name.push(".lock");
        let path = PathBuf::from(name);
        let at = path.clone();
        let io = |action| {
            let path = at.clone();
            move |source: io::Error| OpenError::Io {
                action,
                path,
                source: Box::new(source),
            }
        };
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = options.map_err(io("open"))?;
        let mut content = String::new();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Only for the message: a holder that is just starting may not have written its id yet.
                let pid = file
                    .read_to_string(&mut content)
                    .ok()
                    .and_then(|_| content.lines().next()?.parse().ok());
                return Err(OpenError::Locked {
                    path: database.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        file.read_to_string(&mut content).map_err(io("read"))?;
        let was_written = content.lines().nth(1) == Some(WRITTEN);
        let mut lock = Self {
            file,
            path,
            was_written,
        };
        lock.write().map_err(io("write"))?;
        Ok(lock)
    }

    pub(crate) fn was_written(&self) -> bool {
        self.was_written
    }

    /// Remembers that the database has a schema: an empty file is a lost one from now on.
    pub(crate) fn set_written(&mut self) -> Result<(), OpenError> {
        self.was_written = true;
        self.write().map_err(|source| OpenError::Io {
            action: "write",
            path: self.path.clone(),
            source: Box::new(source),
        })
    }

    fn write(&mut self) -> io::Result<()> {
        let written = if self.was_written { WRITTEN } else { "" };
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        writeln!(self.file, "{}\n{written}", std::process::id())
    }
}

/// The file behind links, so that two names of one database meet at one lock.
pub(crate) fn real_path(path: &Path) -> Result<PathBuf, OpenError> {
    let io = |source: io::Error| OpenError::Io {
        action: "find",
        path: path.to_owned(),
        source: Box::new(source),
    };
    if path.exists() {
        return fs::canonicalize(path).map_err(io);
    }
    let name = path
        .file_name()
        .ok_or_else(|| io(io::Error::from(io::ErrorKind::InvalidInput)))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    Ok(fs::canonicalize(folder).map_err(io)?.join(name))
}
