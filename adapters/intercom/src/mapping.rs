//! Between the hub's values and Intercom's: pure.

use feedback_core::{
    domain::Timestamp,
    ports::{Person, Receipt},
};
use secrecy::SecretString;

use crate::wire::{Author, Contact, Part};

/// Longer texts are refused. Intercom names no limit; this one is ours, far over what anybody reads.
pub(crate) const MAX_TEXT_CHARS: usize = 10_000;

/// The text as HTML that shows it to the letter: escaped, line ends kept, and no white space for a browser to drop.
pub(crate) fn html_of(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8 + 8);
    html.push_str("<p>");
    let mut characters = text.chars().peekable();
    // A plain space shows only between two other characters of one line.
    let mut may_be_plain = false;
    while let Some(character) = characters.next() {
        let is_last_of_line = matches!(characters.peek(), None | Some('\n' | '\r'));
        let (piece, after) = match character {
            '&' => ("&amp;", true),
            '<' => ("&lt;", true),
            '>' => ("&gt;", true),
            '\r' if characters.peek() == Some(&'\n') => continue,
            '\n' | '\r' => ("<br>", false),
            '\t' => ("&nbsp;&nbsp;&nbsp;&nbsp;", true),
            ' ' if may_be_plain && !is_last_of_line => (" ", false),
            ' ' => ("&nbsp;", true),
            other => {
                html.push(other);
                may_be_plain = true;
                continue;
            }
        };
        html.push_str(piece);
        may_be_plain = after;
    }
    html.push_str("</p>");
    html
}

/// What is left of a text or of HTML when tags and white space are gone: Intercom adds classes, links and line ends of its
/// own to what it stores, and none of them changes the words.
fn words_of_html(html: &str) -> String {
    let mut words = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        words.push_str(text);
        match tag.find('>') {
            Some(end) => rest = &tag[end + 1..],
            None => {
                rest = "";
            }
        }
    }
    words.push_str(rest);
    words_of_text(&decoded(&words))
}

fn words_of_text(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Named and numeric entities, each decoded once.
fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        decoded.push_str(before);
        let end = entity.find(';').filter(|end| *end <= 10);
        match end.and_then(|end| Some((entity_of(&entity[1..end])?, end))) {
            Some((character, end)) => {
                decoded.push(character);
                rest = &entity[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &entity[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn entity_of(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// True for what can be a conversation's or a contact's id. `last` is no id: it means whatever conversation is the last.
pub(crate) fn is_id(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.len() <= 64 && is_plain && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The newest comment of a teammate with these words, written at `earliest` or later.
pub(crate) fn find<'a>(parts: &'a [Part], admin_id: &str, text: &str, earliest: Timestamp) -> Option<&'a Part> {
    let wanted = words_of_text(text);
    parts.iter().rev().find(|part| {
        let is_recent = part.created_at.is_some_and(|at| at >= earliest.unix_seconds());
        is_recent
            && is_comment_of(part, admin_id)
            && part.body.as_deref().is_some_and(|body| words_of_html(body) == wanted)
    })
}

/// The newest comment of a teammate: in the answer to a comment, that comment, whatever Intercom made of its words.
pub(crate) fn newest<'a>(parts: &'a [Part], admin_id: &str) -> Option<&'a Part> {
    parts.iter().rev().find(|part| is_comment_of(part, admin_id))
}

/// A reply that opens or assigns a conversation has that as its type; a note never reaches the person.
fn is_comment_of(part: &Part, admin_id: &str) -> bool {
    let is_ours = |author: &Author| author.kind == "admin" && author.id.as_deref() == Some(admin_id);
    part.author.as_ref().is_some_and(is_ours) && part.body.is_some() && part.part_type != "note"
}

/// The receipt of a part; `None` where Intercom did not name it.
pub(crate) fn receipt(conversation: &str, part: &Part) -> Option<Receipt> {
    let id = part.id.as_deref().filter(|id| !id.is_empty())?;
    let at = part.created_at.and_then(Timestamp::from_unix_seconds);
    Some(Receipt {
        provider_message_id: format!("{conversation}:{id}"),
        at,
    })
}

/// The person behind a contact.
pub(crate) fn person(contact: Contact) -> Person {
    let is_user = contact.role == "user";
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty()).map(SecretString::from);
    let email = filled(contact.email);
    Person {
        name: filled(contact.name),
        email_verified: is_user && email.is_some(),
        email,
        phone: filled(contact.phone).filter(|_| is_user),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;
    use crate::wire::Conversation;

    #[test]
    fn f76_the_text_is_no_markup_and_no_space_gets_lost() {
        let rows = [
            ("hola", "<p>hola</p>"),
            ("<b>a</b> & b", "<p>&lt;b&gt;a&lt;/b&gt; &amp; b</p>"),
            ("&lt;", "<p>&amp;lt;</p>"),
            ("a\nb\r\nc\n\nd", "<p>a<br>b<br>c<br><br>d</p>"),
            ("  a   b ", "<p>&nbsp; a &nbsp; b&nbsp;</p>"),
            ("a \n b", "<p>a&nbsp;<br>&nbsp;b</p>"),
            ("\ta", "<p>&nbsp;&nbsp;&nbsp;&nbsp;a</p>"),
            ("", "<p></p>"),
        ];
        for (text, html) in rows {
            assert_eq!(html_of(text), html, "{text:?}");
        }
    }

    #[test]
    fn words_are_the_same_through_everything_that_intercom_adds() {
        for text in [
            "a < b && c",
            "https://x.example/?a=1&b=2 ya",
            "uno\n\n dos",
            "&lt;p&gt; & &amp;#39;",
            "ñandú 👩‍👩‍👧",
        ] {
            assert_eq!(words_of_html(&html_of(text)), words_of_text(text), "{text:?}");
        }
        let stored =
            r#"<p class="no-margin">See <a href="https://x.example">https://x.example</a>&nbsp;it&#39;s&#x20;ok</p>"#;
        assert_eq!(words_of_html(stored), words_of_text("See https://x.example it's ok"));
        assert_eq!(words_of_html("a &bogus; & b <unclosed"), "a&bogus;&b");
    }

    fn parts(parts: serde_json::Value) -> Conversation {
        serde_json::from_value(json!({"conversation_parts": {"conversation_parts": parts}})).unwrap()
    }

    #[test]
    fn only_a_recent_comment_of_our_teammate_with_the_same_words_is_ours() {
        let at = |seconds| Timestamp::from_unix_seconds(seconds).unwrap();
        let part = |id: u32, author: serde_json::Value, body: &str, kind: &str, at: i64| json!({"id": id, "part_type": kind, "body": body, "created_at": at, "author": author});
        let ours = json!({"type": "admin", "id": 814860});
        let conversation = parts(json!([
            part(1, ours.clone(), "<p>Listo</p>", "comment", 900),
            part(2, ours.clone(), "<p>Listo</p>", "note", 1_000),
            part(
                3,
                json!({"type": "user", "id": "814860"}),
                "<p>Listo</p>",
                "comment",
                1_000
            ),
            part(4, json!({"type": "admin", "id": "1"}), "<p>Listo</p>", "comment", 1_000),
            part(5, ours.clone(), "<p>Listo!</p>", "comment", 1_000),
            json!({"id": "6", "part_type": "close", "body": null, "created_at": 1_000, "author": ours}),
        ]));
        assert!(find(conversation.parts(), "814860", "Listo", at(1_000)).is_none());
        let found = find(conversation.parts(), "814860", "Listo", at(900)).unwrap();
        let receipt = receipt("77", found).unwrap();
        assert_eq!(
            (receipt.provider_message_id.as_str(), receipt.at),
            ("77:1", Some(at(900)))
        );
        assert_eq!(
            newest(conversation.parts(), "814860").and_then(|part| part.id.as_deref()),
            Some("5")
        );
        // A comment that opened the conversation again.
        let reopened = parts(json!([part(
            7,
            json!({"type": "admin", "id": "814860"}),
            "<p>Listo</p>",
            "open",
            1_000
        )]));
        assert!(find(reopened.parts(), "814860", "Listo", at(1_000)).is_some());
    }

    #[test]
    fn only_a_users_address_is_vouched_for() {
        let read = |contact| person(serde_json::from_value(contact).unwrap());
        let user = read(json!({"role": "user", "name": "Dana", "email": "d@e.example", "phone": "+5491155550000"}));
        assert!(user.email_verified);
        assert_eq!(user.phone.unwrap().expose_secret(), "+5491155550000");
        let lead = read(json!({"role": "lead", "name": null, "email": "d@e.example", "phone": "+5491155550000"}));
        assert!(lead.email.is_some() && !lead.email_verified && lead.phone.is_none());
        let nameless = read(json!({"role": "user", "email": ""}));
        assert!(nameless.email.is_none() && !nameless.email_verified && nameless.name.is_none());
    }

    #[test]
    fn paths_and_last_are_no_ids() {
        for id in [
            "900100",
            "f715b2835c90d34bd428185a",
            "5f0d0c1e-0000-4000-8000-000000000001",
        ] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "last", "..", "1/2", "1?x", "1 2", "ñ1"] {
            assert!(!is_id(id), "{id}");
        }
    }
}
