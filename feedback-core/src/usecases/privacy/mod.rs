//! What a person may ask of the hub, and what its keepers owe: a copy of everything, erasure, no more than is needed for
//! no longer than is needed, keys that change, and timelines that nobody rewrote.

mod erase;
mod export;
mod export_csv;
mod retain;
mod rotate_keys;
mod verify;

pub use self::{
    erase::{Erase, EraseError, Erased},
    export::{
        Export, ExportError, ExportedIdentity, ExportedMessage, ExportedNotification, ExportedReporter, ExportedTicket,
    },
    export_csv::to_csv,
    retain::{Purged, Retain, RetainError, RetentionSettings},
    rotate_keys::{RotateError, RotateKeys, Rotated},
    verify::{Broken, Verified as VerifiedTimelines, VerifyError, VerifyTimelines},
};
