//! What kind of report it is and how bad: as rules inferred it, as AI suggested it, as a person confirmed it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Language, Scrubbed, Timestamp, UserId, shortened};

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketType {
    /// Something fails for many people or a whole customer, or data is exposed or destroyed.
    Incident,
    /// Something behaves wrongly for the reporter or in one function.
    Bug,
    /// Something that the product does not do and somebody wishes it did.
    FeatureRequest,
    /// Somebody wants to know something, or says thanks.
    Question,
}

impl TicketType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Incident, Self::Bug, Self::FeatureRequest, Self::Question];

    /// The name in storage, in the API and in prompts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Bug => "bug",
            Self::FeatureRequest => "feature_request",
            Self::Question => "question",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Incident => "Incident",
            Self::Bug => "Bug",
            Self::FeatureRequest => "Feature request",
            Self::Question => "Question",
        }
    }
}

impl fmt::Display for TicketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no ticket type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown ticket type: expected incident, bug, feature_request or question")]
pub struct UnknownTicketType;

impl FromStr for TicketType {
    type Err = UnknownTicketType;

    fn from_str(text: &str) -> Result<Self, UnknownTicketType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownTicketType)
    }
}

/// How bad it is: `P0` is worst. The order is the order of urgency, so `P0 < P1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Outage, breach, data loss, money wrong for several customers.
    P0,
    /// One customer's essential work is blocked with no way around.
    P1,
    /// An important function fails, but there is a workaround.
    P2,
    /// An ordinary defect, a question that stops work.
    P3,
    /// A nuisance, a general question, an ordinary wish.
    P4,
    /// Cosmetic, idle, thanks.
    P5,
}

impl Priority {
    /// All priorities, worst first.
    pub const ALL: [Self; 6] = [Self::P0, Self::P1, Self::P2, Self::P3, Self::P4, Self::P5];

    /// `P0` to `P5`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::P5 => "P5",
        }
    }

    /// True for what somebody should be woken for.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::P0 | Self::P1)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown priority: expected P0 to P5")]
pub struct UnknownPriority;

impl FromStr for Priority {
    type Err = UnknownPriority;

    fn from_str(text: &str) -> Result<Self, UnknownPriority> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownPriority)
    }
}

/// What the rules read out of a report, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// Kind of report.
    pub ticket_type: TicketType,
    /// How bad it is.
    pub priority: Priority,
    /// Language of the newest part of the text; `None` where it cannot be told.
    pub language: Option<Language>,
    /// How sure the rules are, 0 to 1.
    pub confidence: f32,
    /// What decided, in the order of weight.
    pub evidence: Vec<Evidence>,
}

/// One reason of an [`Inference`]. It points into the scrubbed text and never quotes the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule or feature, for instance `stated_level`, `outage`, `denied:urgency`.
    pub rule: String,
    /// Where in the text, in bytes; `None` for what is about the whole text.
    pub span: Option<(usize, usize)>,
    /// What it spoke for, in words: `priority P1`, `type bug`, `not urgent`.
    pub effect: String,
}

/// What an AI provider suggested. Never more than a suggestion: a person confirms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Suggested kind.
    pub ticket_type: TicketType,
    /// Suggested priority.
    pub priority: Priority,
    /// A sentence or two for the reviewer; made of scrubbed text.
    pub summary: String,
    /// Who made it.
    pub made_by: ModelUse,
    /// When.
    pub at: Timestamp,
}

/// Which model wrote something, under which instructions, at what cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUse {
    /// The model as the provider names it (for OpenAI the dated snapshot).
    pub model: String,
    /// Version of our instructions to it.
    pub prompt_version: String,
    /// Tokens read; 0 for local rules.
    pub input_tokens: u32,
    /// Tokens written; 0 for local rules.
    pub output_tokens: u32,
}

/// A person's word on type and priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Confirmed kind.
    pub ticket_type: TicketType,
    /// Confirmed priority.
    pub priority: Priority,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// How far the AI's part has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrichmentStatus {
    /// Waiting for the AI provider; the ticket is usable all the while.
    Pending,
    /// The suggestion is there.
    Suggested,
    /// The provider gave nothing usable; a person decides without it.
    Failed,
}

impl EnrichmentStatus {
    /// The name in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Suggested => "suggested",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for EnrichmentStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Suggested, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(())
    }
}

/// A [`Scrubbed`] title no longer than a board shows.
pub const MAX_TITLE_CHARS: usize = 120;

/// The first sentence or line of a report, short enough for a list.
pub fn title_of(description: &Scrubbed) -> Scrubbed {
    let text = description.as_str().trim();
    let end = text
        .char_indices()
        .find(|&(at, c)| at > 0 && (c == '\n' || (matches!(c, '.' | '!' | '?') && sentence_ends(&text[at..]))))
        .map_or(text.len(), |(at, c)| if c == '\n' { at } else { at + c.len_utf8() });
    let title = text[..end].trim();
    Scrubbed::from_scrubber(shortened(title, MAX_TITLE_CHARS))
}

/// Whether the punctuation at the start of `rest` ends a sentence: "v2.3" and "[EMAIL_1]." in the middle do not.
fn sentence_ends(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next();
    chars.next().is_none_or(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str) -> String {
        title_of(&Scrubbed::from_scrubber(text.into())).as_str().to_owned()
    }

    #[test]
    fn the_title_is_the_first_sentence() {
        assert_eq!(title("The export hangs. I tried twice."), "The export hangs.");
        assert_eq!(title("¿Cómo exporto?\nGracias"), "¿Cómo exporto?");
        assert_eq!(title("Since v2.3 nothing opens"), "Since v2.3 nothing opens");
        assert_eq!(title(""), "");
    }

    #[test]
    fn a_long_title_is_cut_at_a_word_and_says_so() {
        let cut = title(&"palabra ñandú ".repeat(30));
        assert!(cut.ends_with('…'));
        assert!(cut.chars().count() <= MAX_TITLE_CHARS);
        assert!(cut.trim_end_matches('…').ends_with("palabra") || cut.trim_end_matches('…').ends_with("ñandú"));
    }

    #[test]
    fn worse_is_smaller() {
        assert!(Priority::P0 < Priority::P1);
        assert!(Priority::P1.is_urgent() && !Priority::P2.is_urgent());
        assert_eq!("p3".parse(), Ok(Priority::P3));
        assert!("P6".parse::<Priority>().is_err());
    }
}
