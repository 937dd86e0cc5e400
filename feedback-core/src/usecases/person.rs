//! Who a reporter turned out to be. A merge points from one reporter to another, and a merged one may be merged again, so
//! that a person is a tree of reporters; everybody who acts on a person takes them from here.

use crate::{
    domain::{Reporter, ReporterId},
    ports::{PortError, ReporterKey, Storage},
};

/// The person that a reporter turned out to be, at the end of however many merges.
///
/// # Errors
/// As the look-ups of [`Storage`].
pub(crate) async fn person_of(storage: &dyn Storage, id: ReporterId) -> Result<Option<Reporter>, PortError> {
    let mut found = storage.reporter(ReporterKey::Id(id)).await?;
    let mut seen = vec![id];
    while let Some(next) = found.as_ref().and_then(|reporter| reporter.merged_into) {
        // A ring, which no rule makes, must not hang anybody.
        if seen.contains(&next) {
            break;
        }
        seen.push(next);
        found = storage.reporter(ReporterKey::Id(next)).await?;
    }
    Ok(found)
}

/// The person that a reporter turned out to be, and behind them everybody who was merged into them, directly or not. Empty
/// where there is no such reporter.
///
/// # Errors
/// As the look-ups of [`Storage`].
pub(crate) async fn family_of(storage: &dyn Storage, id: ReporterId) -> Result<Vec<Reporter>, PortError> {
    let mut family: Vec<Reporter> = person_of(storage, id).await?.into_iter().collect();
    let mut at = 0;
    while let Some(next) = family.get(at).map(|reporter| reporter.id) {
        at += 1;
        for merged in storage.merged_reporters(next).await? {
            if family.iter().all(|known| known.id != merged.id) {
                family.push(merged);
            }
        }
    }
    Ok(family)
}
