//! Which keys there are, and how people write them.

use super::{blob, delivery, email, intercom, matching, notion, openai, retention, slack, smtp, whatsapp, worker};

/// Keys at the top of the file.
const TOP: &[&str] = &[
    "listen",
    "public_url",
    "database_url",
    "queue_url",
    "queue_credentials",
    "queue_stream",
    "blob_url",
    "secret_keys",
    "erasure_log",
    "api_token",
];

/// Sections and their keys; `""` is the top of the file. A key that is not here is a mistake, and is told.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("", TOP),
    ("blob", blob::KEYS),
    ("slack", slack::KEYS),
    ("intercom", intercom::KEYS),
    ("whatsapp", whatsapp::KEYS),
    ("email", email::KEYS),
    ("notion", notion::KEYS),
    ("openai", openai::KEYS),
    ("matching", matching::KEYS),
    ("smtp", smtp::KEYS),
    ("retention", retention::KEYS),
    ("delivery", delivery::KEYS),
    ("worker", worker::KEYS),
];

/// Whether the section has this key.
pub(super) fn is_known(section: &str, key: &str) -> bool {
    SECTIONS
        .iter()
        .any(|(known, keys)| *known == section && keys.contains(&key))
}

/// A key as the operator writes it in the environment or in documentation.
pub(super) fn shown(section: &str, key: &str) -> String {
    let key = key.to_ascii_uppercase();
    if section.is_empty() {
        key
    } else {
        format!("{}.{key}", section.to_ascii_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::problems_of;

    #[test]
    fn a_misspelt_key_is_told() {
        assert_eq!(
            problems_of(&[("FEEDBACK_SLACK__SIGNIN_SECRET", "x")]),
            ["SLACK.SIGNIN_SECRET is not a key of this program"]
        );
    }
}
