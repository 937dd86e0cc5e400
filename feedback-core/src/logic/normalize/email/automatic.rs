//! Mails that no person wrote to us: each ignored with its reason. What is in doubt is a report, since a needless ticket
//! costs a look, and a lost one a customer.

use super::{EmailRules, Mail};
use crate::logic::identity::fold_email;

/// How mail programs begin the subject of an absence notice.
const ABSENCE: [&str; 8] = [
    "automatic reply:",
    "auto reply:",
    "autoreply:",
    "out of office:",
    "out of office autoreply:",
    "respuesta automática:",
    "respuesta automatica:",
    "fuera de la oficina:",
];

/// Why a mail is none for us; `address` is its sender, folded.
pub(super) fn reason(mail: &Mail, address: &str, rules: &EmailRules) -> Option<&'static str> {
    if is_own(mail, address, rules) {
        return Some("our own mail");
    }
    if is_report(mail, address) {
        return Some("a mail server's report, not a person's");
    }
    if is_automatic(mail) {
        return Some("an automatic mail");
    }
    if is_of_foreign_list(mail, rules) {
        return Some("mail of a list");
    }
    // RFC 3834: nobody awaits an answer to a mail without return path.
    if mail.headers.get("return-path") == Some("<>") {
        return Some("a mail without return path");
    }
    None
}

fn is_own(mail: &Mail, address: &str, rules: &EmailRules) -> bool {
    let own = |own: &String| fold_email(own).as_deref() == Some(address);
    let domain = mail
        .ids
        .message_id
        .as_deref()
        .and_then(|id| Some(id.rsplit_once('@')?.1));
    let of_own_domain = |domain: &str| {
        let mut own = rules.own_message_id_domains.iter();
        own.any(|own| own.eq_ignore_ascii_case(domain))
    };
    rules.own_addresses.iter().any(own) || domain.is_some_and(of_own_domain)
}

/// Bounces, and receipts that a mail was read.
fn is_report(mail: &Mail, address: &str) -> bool {
    let kind = mail.headers.get("content-type").unwrap_or_default().trim_start();
    let is_report = kind
        .get(..16)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/report"));
    is_report || address.starts_with("mailer-daemon@")
}

fn is_automatic(mail: &Mail) -> bool {
    let says = |name: &str| {
        mail.headers
            .get(name)
            .map(|value| first_word(value).to_ascii_lowercase())
    };
    let is_yes = |value: Option<String>| value.is_some_and(|value| !value.is_empty() && value != "no");
    is_yes(says("auto-submitted"))
        || is_yes(says("x-autoreply"))
        || is_yes(says("x-autorespond"))
        || says("precedence").is_some_and(|value| ["bulk", "junk", "auto_reply"].contains(&value.as_str()))
        || is_absence(mail)
}

/// A subject alone is no proof: somebody may report that their automatic replies fail. An absence answers a mail.
fn is_absence(mail: &Mail) -> bool {
    let subject = mail.subject.trim_start().to_lowercase();
    !mail.ids.references.is_empty() && ABSENCE.iter().any(|start| subject.starts_with(start))
}

fn is_of_foreign_list(mail: &Mail, rules: &EmailRules) -> bool {
    let list = mail.headers.get("list-id");
    let id = list.map(|list| {
        let inside = list.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
        inside.map_or(list, |(id, _)| id).trim()
    });
    let is_ours = |id: &str| {
        rules
            .own_list_ids
            .iter()
            .any(|own| own.trim_matches(['<', '>']).eq_ignore_ascii_case(id))
    };
    let is_list = mail
        .headers
        .get("precedence")
        .is_some_and(|value| first_word(value).eq_ignore_ascii_case("list"));
    match id {
        Some(id) => !is_ours(id),
        None => is_list,
    }
}

fn first_word(value: &str) -> &str {
    value
        .split([';', ' ', '\t', '('])
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}
