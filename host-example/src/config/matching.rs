//! `MATCHING`: how tickets about the same thing are found.

use std::{path::PathBuf, time::Duration};

use super::{DAY, openai::OpenAiSettings, source::Source};
use crate::store::Database;

/// Its keys.
pub(super) const KEYS: &[&str] = &["embedder", "encoder_weights", "search", "window_days"];

/// Reports of longer ago are hardly of the same cause, and a year of them would fill the memory.
const MAX_WINDOW_DAYS: u32 = 365;

/// `MATCHING`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatchingSettings {
    /// What makes vectors of texts.
    pub(crate) embedder: EmbedderChoice,
    /// How far back duplicates are looked for.
    pub(crate) window: Duration,
    /// What searches their vectors.
    pub(crate) search: SearchChoice,
}

/// `MATCHING.SEARCH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchChoice {
    /// Each host, in its memory.
    Memory,
    /// The PostgreSQL server, by its extension.
    Pgvector,
}

/// `MATCHING.EMBEDDER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EmbedderChoice {
    /// The word table in the program.
    Static,
    /// The whole encoder, with the weights in this file.
    Encoder(PathBuf),
    /// The server of `OPENAI`.
    OpenAi,
}

impl MatchingSettings {
    pub(super) fn read(source: &mut Source, openai: Option<&OpenAiSettings>, database: Option<&Database>) -> Self {
        let has_remote_model = openai.is_some_and(|openai| openai.embedding_model.is_some());
        let weights = source.text("matching", "encoder_weights").map(PathBuf::from);
        let named = source.take("matching", "embedder").unwrap_or_default();
        let embedder = match named.to_ascii_lowercase().as_str() {
            // Who names a model of the server wants it.
            "" if has_remote_model => EmbedderChoice::OpenAi,
            "" | "static" => EmbedderChoice::Static,
            "encoder" => {
                if weights.is_none() {
                    source.wrong("MATCHING.ENCODER_WEIGHTS is missing: the file that the encoder reads");
                }
                EmbedderChoice::Encoder(weights.unwrap_or_default())
            }
            "openai" => {
                if !has_remote_model {
                    source.wrong("OPENAI.EMBEDDING_MODEL is missing: MATCHING.EMBEDDER is openai");
                }
                EmbedderChoice::OpenAi
            }
            _ => {
                source.wrong("MATCHING.EMBEDDER must be static, encoder or openai");
                EmbedderChoice::Static
            }
        };
        let days: u32 = source.optional("matching", "window_days").unwrap_or(14);
        if !(1..=MAX_WINDOW_DAYS).contains(&days) {
            source.wrong(format!("MATCHING.WINDOW_DAYS must be from 1 to {MAX_WINDOW_DAYS}"));
        }
        let named = source.take("matching", "search").unwrap_or_default();
        let search = match named.to_ascii_lowercase().as_str() {
            "" | "memory" => SearchChoice::Memory,
            "pgvector" => {
                if !matches!(database, Some(Database::Server(_))) {
                    source.wrong("MATCHING.SEARCH is pgvector, an extension of PostgreSQL: DATABASE_URL is none");
                }
                SearchChoice::Pgvector
            }
            _ => {
                source.wrong("MATCHING.SEARCH must be memory or pgvector");
                SearchChoice::Memory
            }
        };
        Self {
            embedder,
            window: DAY * days.min(MAX_WINDOW_DAYS),
            search,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, problems_of};

    #[test]
    fn the_embedder_is_the_one_that_is_named_and_has_what_it_needs() {
        let chosen = |pairs: &[(&str, &str)]| Settings::from_pairs(pairs).unwrap().matching;
        let model = ("FEEDBACK_OPENAI__EMBEDDING_MODEL", "text-embedding-3-small");
        let weights = ("FEEDBACK_MATCHING__ENCODER_WEIGHTS", "/srv/encoder.bin");
        assert_eq!(chosen(&[]).embedder, EmbedderChoice::Static);
        assert_eq!(chosen(&[]).window, DAY * 14);
        assert_eq!(chosen(&[model]).embedder, EmbedderChoice::OpenAi);
        let named = ("FEEDBACK_MATCHING__EMBEDDER", "static");
        assert_eq!(chosen(&[model, named]).embedder, EmbedderChoice::Static);
        let named = ("FEEDBACK_MATCHING__EMBEDDER", "Encoder");
        assert_eq!(
            chosen(&[model, weights, named]).embedder,
            EmbedderChoice::Encoder("/srv/encoder.bin".into())
        );
        assert_eq!(
            problems_of(&[named]),
            ["MATCHING.ENCODER_WEIGHTS is missing: the file that the encoder reads"]
        );
        assert_eq!(
            problems_of(&[("FEEDBACK_MATCHING__EMBEDDER", "openai")]),
            ["OPENAI.EMBEDDING_MODEL is missing: MATCHING.EMBEDDER is openai"]
        );
        assert_eq!(
            problems_of(&[
                ("FEEDBACK_MATCHING__EMBEDDER", "words"),
                ("FEEDBACK_MATCHING__WINDOW_DAYS", "0")
            ]),
            [
                "MATCHING.EMBEDDER must be static, encoder or openai",
                "MATCHING.WINDOW_DAYS must be from 1 to 365"
            ]
        );
    }
    #[test]
    fn the_server_searches_only_where_there_is_one() {
        let postgres = ("FEEDBACK_DATABASE_URL", "postgres://db.example/hub");
        let search = |word| ("FEEDBACK_MATCHING__SEARCH", word);
        let chosen = |pairs: &[(&str, &str)]| Settings::from_pairs(pairs).unwrap().matching.search;
        assert_eq!(chosen(&[postgres]), SearchChoice::Memory);
        assert_eq!(chosen(&[search("memory")]), SearchChoice::Memory);
        assert_eq!(chosen(&[postgres, search("pgvector")]), SearchChoice::Pgvector);
        assert_eq!(
            problems_of(&[search("pgvector")]),
            ["MATCHING.SEARCH is pgvector, an extension of PostgreSQL: DATABASE_URL is none"]
        );
        assert_eq!(
            problems_of(&[postgres, search("hnsw")]),
            ["MATCHING.SEARCH must be memory or pgvector"]
        );
    }
}
