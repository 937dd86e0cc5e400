//! What no fixture says as well: mails of hostile size and depth, and what holds for any of them.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(content_type: &str, body: impl Into<Vec<u8>>) -> Intake {
    let payload = Payload {
        channel: Channel::Email,
        content_type: Some(content_type.to_owned()),
        body: body.into().into(),
    };
    let mut items = normalize(&Verified::vouch(payload), &EmailRules::default()).items;
    items.pop().unwrap()
}

fn message(item: Intake) -> InboundMessage {
    match item {
        Intake::Message(message) => *message,
        other => panic!("no message: {other:?}"),
    }
}

fn repeated(head: &str, piece: &str) -> Vec<u8> {
    let mut body = format!("From: dana@example.test\nSubject: Invoice\n{head}").into_bytes();
    while body.len() < 3 << 20 {
        body.extend_from_slice(piece.as_bytes());
    }
    body
}

/// On a thread with the stack of a server's workers.
fn reads_soon(content_type: &'static str, what: &str, body: Vec<u8>) {
    let began = Instant::now();
    let reader = std::thread::Builder::new().stack_size(2 << 20);
    let item = reader.spawn(move || read(content_type, body)).unwrap().join().unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{what} took {took:?}");
    drop(item);
}

#[test]
fn mails_in_mails_of_any_depth_and_any_spelling_are_files() {
    for piece in [
        "Content-Type: message/rfc822\n\n",
        "content-type : MESSAGE / Global\n\n",
        "Con tent-Type:\n message\n /rfc822\n\n",
        "Content-Type: message/(;)rfc822\n\n",
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\n",
    ] {
        reads_soon("message/rfc822", piece, repeated("", piece));
    }
    // "Content-Type: message/rfc822" and an empty line, in base64, over and over.
    let nested = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK";
    let head = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n";
    reads_soon("message/rfc822", "encoded", repeated(head, nested));
}

#[test]
fn parts_headers_and_quotations_without_end_are_read_soon() {
    for (head, piece) in [
        ("Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n"),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n",
            "--b\nContent-Type: multipart/mixed; boundary=c\n\n",
        ),
        ("", "a:\n"),
        ("Content-Type: multipart/mixed;", " boundary=\"=?\";"),
        ("Subject: ", "=?utf-8?q?"),
        ("References: ", "<a@x> "),
        ("\n", "On Monday, Help wrote:\n"),
        ("\n", "On Monday, Help wrote:\n\n> x\n"),
        ("\n", "De: a\n"),
        ("\n", "________________________________\n"),
        ("Content-Type: text/html\n\n", "<blockquote>"),
    ] {
        reads_soon("message/rfc822", piece, repeated(head, piece));
    }
    let text = "On Monday, Help wrote:\\n".repeat(100_000);
    let body = format!(
        r#"{{"from":"dana@example.test","text":"{text}","references":"{}"}}"#,
        "<a@x> ".repeat(100_000)
    );
    reads_soon("application/json", "text", body.into_bytes());
}

#[test]
fn a_mail_without_id_is_known_by_what_it_says() {
    let mail = |text: &str| {
        message(read(
            "application/json",
            json!({"from": "dana@example.test", "text": text}).to_string(),
        ))
    };
    assert_eq!(mail("no invoice").external_id, mail("no invoice").external_id);
    assert_ne!(mail("no invoice").external_id, mail("no invoices").external_id);
    assert_eq!(mail("no invoice").thread.key(), None);
}

#[test]
fn a_reply_and_the_mail_that_it_answers_share_a_thread_key_with_cut_references_too() {
    let mail = |id: &str, in_reply_to: &str, references: &[&str]| {
        let body = json!({"from": "dana@example.test", "text": "x", "message_id": id, "in_reply_to": in_reply_to,
                          "references": references});
        message(read("application/json", body.to_string()))
            .thread
            .key()
            .unwrap()
    };
    let first = mail("<a@x>", "", &[]);
    assert_eq!(mail("<b@x>", "<a@x>", &["<a@x>"]), first);
    assert_eq!(mail("<c@x>", "<b@x>", &["<a@x>", "<b@x>"]), first);
    assert_eq!(mail("<d@x>", "<a@x>", &[]), first, "as Outlook answers");
    assert_ne!(mail("<e@x>", "<b@x>", &[]), first, "the documented limit");
}

#[test]
fn an_address_is_verified_only_by_the_word_true() {
    for (authenticated, verified) in [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!(1), false),
    ] {
        let body = json!({"from": "dana@example.test", "text": "x", "authenticated": authenticated});
        let author = message(read("application/json", body.to_string())).author;
        assert_eq!((author.email_verified, author.phone), (verified, None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_fields_of_a_mail_give_a_sound_message_or_a_reason(
        from in "[a-zA-Z<>@\". ]{0,20}", subject in ".{0,20}", text in "(?s).{0,80}", html in ".{0,40}",
        ids in prop::collection::vec("[<>a-c@ ]{0,8}", 3),
        headers in prop::collection::vec(("[A-Za-z-]{0,14}", ".{0,12}"), 0..4),
    ) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| json!([name, value])).collect();
        let body = json!({"from": from, "subject": subject, "text": text, "html": html, "message_id": ids[0],
                          "in_reply_to": ids[1], "references": ids[2], "headers": headers}).to_string();
        sound(read("application/json", body));
    }

    #[test]
    fn any_lines_of_a_raw_mail_give_a_sound_message_or_a_reason(lines in prop::collection::vec(any_line(), 0..24)) {
        sound(read("message/rfc822", lines.join("\r\n")));
    }
}

fn any_line() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "",
        "--b",
        "--b--",
        "From: Dana <dana@example.test>",
        "Subject: =?utf-8?q?Factura_=C3=B1?=",
        "Message-ID: <a@x>",
        "References: <r@x>\r\n <s@x>",
        "Content-Type: multipart/mixed; boundary=\"b\"",
        "Content-Type: text/html; charset=iso-8859-1",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Disposition: attachment; filename*=utf-8''a%20b",
        "bm8gYWJyZQ==",
        "no abre =C3=B1=",
        "> ya",
        "-- ",
        "Date: Thu, 1 Jan 2026 00:00:00 +0000",
        "On Monday, Help wrote:",
    ]);
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => ".{0,40}"]
}

fn sound(item: Intake) {
    let message = match item {
        Intake::Message(message) => message,
        Intake::Ignored(_) | Intake::Unparsed(_) => return,
        other => panic!("a mail is a message or nothing: {other:?}"),
    };
    assert!(!message.text.contains(['\0', '\r']));
    assert!(!message.text.is_empty() || !message.files.is_empty());
    assert!(message.author.external_user_id.contains('@'));
    assert!(!message.author.email_verified);
    let is_reply = message.role == MessageRole::Reply;
    let ThreadRef::Email {
        message_id, references, ..
    } = &message.thread
    else {
        panic!("no mail's thread")
    };
    assert_eq!(is_reply, !references.is_empty());
    assert!(
        message_id
            .as_ref()
            .is_none_or(|id| id == message.external_id.as_str() && !references.contains(id))
    );
}
