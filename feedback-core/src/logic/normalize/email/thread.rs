//! What a mail is called and what it answers.

use crate::domain::ExternalId;

/// Ids of a thread beyond this are forgotten, but the first, which names the thread.
const MAX_REFERENCES: usize = 50;

/// The ids of one mail, without brackets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ids {
    /// Its own.
    pub(super) message_id: Option<String>,
    /// The mail that it answers.
    pub(super) in_reply_to: Option<String>,
    /// The thread, oldest first.
    pub(super) references: Vec<String>,
}

impl Ids {
    /// From the values of three headers. `In-Reply-To` belongs to the thread, and is the thread where `References` is
    /// absent; a mail is no answer to itself.
    pub(super) fn new(message_id: &str, in_reply_to: &str, references: &str) -> Self {
        let message_id = bracketed(message_id).next().or_else(|| bare(message_id).next());
        let in_reply_to = listed(in_reply_to).into_iter().next();
        let mut thread: Vec<String> = Vec::new();
        for id in listed(references).into_iter().chain(in_reply_to.clone()) {
            if Some(&id) != message_id.as_ref() && !thread.contains(&id) {
                thread.push(id);
            }
            if thread.len() > MAX_REFERENCES {
                thread.remove(1);
            }
        }
        Self {
            in_reply_to: in_reply_to.filter(|id| Some(id) != message_id.as_ref()),
            message_id,
            references: thread,
        }
    }
}

/// The ids of a header: what stands in brackets, or, without any, what looks like an id. Old programs write words around
/// the brackets ("Your message of Monday").
fn listed(header: &str) -> Vec<String> {
    let ids: Vec<String> = bracketed(header).collect();
    if ids.is_empty() {
        bare(header).filter(|id| id.contains('@')).collect()
    } else {
        ids
    }
}

fn bracketed(header: &str) -> impl Iterator<Item = String> + '_ {
    let inside = header
        .split('<')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('>')?.0));
    // A long id may have been folded over two lines.
    inside.filter_map(|id| legal(id.split_whitespace().collect()))
}

fn bare(header: &str) -> impl Iterator<Item = String> + '_ {
    header
        .split([' ', '\t', '\r', '\n', ',', '<', '>'])
        .filter_map(|id| legal(id.to_owned()))
}

fn legal(id: String) -> Option<String> {
    ExternalId::parse(id).ok().map(|id| id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(in_reply_to: &str, references: &str) -> Vec<String> {
        Ids::new("<own@x.test>", in_reply_to, references).references
    }

    #[test]
    fn brackets_words_and_folds_are_no_part_of_an_id() {
        for message_id in ["<own@x.test>", "own@x.test", " <own@\r\n x.test> ", "x <own@x.test>"] {
            assert_eq!(
                Ids::new(message_id, "", "").message_id.as_deref(),
                Some("own@x.test"),
                "{message_id}"
            );
        }
        assert_eq!(Ids::new("0f9e-uuid", "", "").message_id.as_deref(), Some("0f9e-uuid"));
        for none in ["", "<>", "<a\u{7}b>", &"x".repeat(600)] {
            assert_eq!(Ids::new(none, "", "").message_id, None, "{none}");
        }
        assert_eq!(references("Your mail of Monday, <a@x>", ""), ["a@x"]);
        assert_eq!(references("Your mail of Monday", ""), [""; 0]);
    }

    #[test]
    fn what_a_mail_answers_stands_in_for_cut_references_and_ends_whole_ones() {
        assert_eq!(references("<a@x>", ""), ["a@x"]);
        assert_eq!(references("<b@x>", "<a@x> <b@x>"), ["a@x", "b@x"]);
        assert_eq!(references("<c@x>", "<a@x>\r\n\t<b@x>"), ["a@x", "b@x", "c@x"]);
        assert_eq!(references("", "a@x,b@x a@x"), ["a@x", "b@x"]);
    }

    #[test]
    fn a_mail_is_no_answer_to_itself() {
        let ids = Ids::new("<own@x.test>", "<own@x.test>", "<own@x.test>");
        assert_eq!((ids.in_reply_to, ids.references.len()), (None, 0));
    }

    #[test]
    fn of_a_thread_without_end_the_first_and_the_last_are_kept() {
        let many: String = (0..5_000).map(|n| format!("<{n}@x> ")).collect();
        let kept = references("", &many);
        assert_eq!(kept.len(), MAX_REFERENCES);
        assert_eq!((kept[0].as_str(), kept[1].as_str()), ("0@x", "4951@x"));
        assert_eq!(kept.last().map(String::as_str), Some("4999@x"));
    }
}
