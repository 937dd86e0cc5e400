//! What is no proper text: both databases keep the same rows of it, byte for byte.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use feedback_adapters::{
    postgres::{Postgres, PostgresConfig},
    sqlite::{Sqlite, SqliteConfig},
};
use feedback_core::{
    Hub, HubSettings,
    domain::Channel,
    logic::verify::{
        Payload, Verified, intercom,
        slack::{self, SlackHeaders},
        whatsapp,
    },
    ports::{Clock, Custody, JobQueue, Queries, Storage},
    testing::{FixedClock, hub::fake_ports},
};
use feedback_test_servers::postgres::Database;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::types::ValueRef;
use sha2::Sha256;

const SECRET: &str = "decodings-test-secret";

/// What hostile or broken senders put where a text belongs: raw bytes, and escapes that JSON allows and Unicode does not.
const HOSTILE: [&[u8]; 18] = [
    b"\xff\xfe",
    b"caf\xe9",
    b"\xc0\xaf overlong slash",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80 a surrogate in bytes",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf5\x80\x80\x80",
    b"\xf0\x9f\x98 cut off",
    b"\x80\x80 continuations alone",
    b"\\ud83d alone",
    b"\\ude00\\ud83d the wrong way round",
    b"\\ud83d\\ude00 a pair",
    b"\\u0000 in the middle \\u0000",
    b"\xef\xbb\xbf a mark inside",
    b"\\ufeff\\ufffe\\uffff",
    b"\xe2\x80\xae turned \xe2\x80\xac",
    b"e\xcc\x81 and \xc3\xa9, \xef\xbd\x81",
];

/// The tables that intake writes, and what orders their rows alike.
const TABLES: [&str; 6] = [
    "reporters",
    "reporter_identities",
    "identity_links",
    "tickets",
    "ticket_sources",
    "ticket_events",
];

type Row = BTreeMap<String, Option<String>>;

/// A body for each channel with the fragment as text, as a name, and as part of an id.
fn bodies(nth: usize, fragment: &[u8]) -> Vec<(Channel, Vec<u8>)> {
    let at = 1_767_225_000 + nth;
    let slack = format!(
        r#"{{"type":"event_callback","team_id":"T0ACME","event_id":"Ev{nth}","event":{{"type":"message","channel":"C0SUPPORT",
        "user":"U0DANA","text":"printer @@ on fire","ts":"{at}.000100"}}}}"#
    );
    let in_id = format!(
        r#"{{"type":"event_callback","team_id":"T0ACME","event_id":"Ex{nth}","event":{{"type":"message","channel":"C0@@",
        "user":"U0@@","text":"printer","ts":"{at}.000200"}}}}"#
    );
    let intercom = format!(
        r#"{{"type":"notification_event","app_id":"wkspdemo","id":"notif_{nth}","topic":"conversation.user.created","created_at":{at},
        "data":{{"type":"notification_event_data","item":{{"type":"conversation","id":"9{nth:04}","source":{{"type":"conversation",
        "id":"8{nth:04}","body":"<p>Invoice @@ is wrong</p>","author":{{"type":"user","id":"66aa{nth}","name":"Dana @@",
        "email":"dana{nth}@example.test"}}}},"contacts":{{"contacts":[{{"id":"66aa{nth}"}}]}}}}}}}}"#
    );
    let whatsapp = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"W","changes":[{{"field":"messages","value":{{
        "metadata":{{"phone_number_id":"PN-1"}},"contacts":[{{"profile":{{"name":"Dana @@"}},"wa_id":"54911{nth:07}"}}],
        "messages":[{{"from":"54911{nth:07}","id":"wamid.{nth}","timestamp":"{at}","type":"text",
        "text":{{"body":"@@ no puedo pagar"}}}}]}}}}]}}]}}"#
    );
    let with = |template: String| {
        let mut parts = template.split("@@");
        let mut body = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            body.extend_from_slice(fragment);
            body.extend_from_slice(part.as_bytes());
        }
        body
    };
    let mut bodies = vec![
        (Channel::Slack, with(slack.clone())),
        (Channel::Slack, with(in_id)),
        (Channel::Intercom, with(intercom)),
        (Channel::WhatsApp, with(whatsapp)),
    ];
    // The same behind a byte order mark, and cut off in the middle.
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(with(slack.replace(".000100", ".000300")));
    let half = marked.len() / 2;
    bodies.push((Channel::Slack, marked[..half].to_vec()));
    bodies.push((Channel::Slack, marked));
    bodies
}

fn code(parts: &[&[u8]]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

/// A delivery as its provider signs it: over the bytes, whatever they are.
fn signed(channel: Channel, body: &[u8], clock: &FixedClock) -> Verified<Payload> {
    let secrets = [SECRET.into()];
    let payload = Payload {
        channel,
        content_type: Some("application/json".to_owned()),
        body: body.to_vec().into(),
    };
    let plain = format!("sha256={}", code(&[body]));
    let verified = match channel {
        Channel::Slack => {
            let time = clock.now().unix_seconds().to_string();
            let signature = format!("v0={}", code(&[b"v0:", time.as_bytes(), b":", body]));
            let headers = SlackHeaders {
                signature: &[signature.as_bytes()],
                timestamp: &[time.as_bytes()],
            };
            slack::verify(&secrets, &headers, payload, clock.now())
        }
        Channel::Intercom => intercom::verify(&secrets, &[plain.as_bytes()], payload),
        _ => whatsapp::verify(&secrets, &[plain.as_bytes()], payload),
    };
    verified.expect("it is signed")
}

/// Takes everything in, on a clock and with ids and keys that are the same each time. What came of each delivery.
async fn take_in<S>(store: &S) -> Vec<String>
where
    S: Storage + Queries + JobQueue + Custody + Clone,
{
    let clock = FixedClock::default();
    let ports = fake_ports(Arc::new(store.clone()), &clock, 5);
    let hub = Hub::new(ports, HubSettings::default());
    let mut outcomes = Vec::new();
    for (nth, fragment) in HOSTILE.iter().enumerate() {
        for (channel, body) in bodies(nth, fragment) {
            let recorded = hub.ingest.record(&signed(channel, &body, &clock)).await;
            let recorded = recorded.unwrap_or_else(|error| panic!("{channel} {fragment:?}: {error:?}"));
            outcomes.push(format!("{channel} {nth}: {:?}", recorded.outcomes));
        }
    }
    outcomes
}

/// All rows of a table: texts and blobs as hexadecimal digits of their bytes, numbers as they are.
fn rows_in_file(file: &Path, table: &str) -> Vec<Row> {
    let conn = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the file can be read");
    let mut statement = conn
        .prepare(&format!("SELECT * FROM {table}"))
        .expect("the table is there");
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let read = statement.query_map([], |row| {
        let mut cells = Row::new();
        for (index, name) in names.iter().enumerate() {
            let cell = match row.get_ref(index)? {
                ValueRef::Null => None,
                ValueRef::Integer(number) => Some(number.to_string()),
                ValueRef::Real(number) => Some(number.to_string()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(hex::encode(bytes)),
            };
            cells.insert(name.clone(), cell);
        }
        Ok(cells)
    });
    read.and_then(Iterator::collect).expect("the rows can be read")
}

/// The same of the server's table.
fn rows_in_server(database: &Database, schema: &str, table: &str) -> Vec<Row> {
    let columns = database.run(&format!(
        "SELECT column_name || ' ' || data_type FROM information_schema.columns
         WHERE table_schema = '{schema}' AND table_name = '{table}'"
    ));
    let cells = columns.lines().filter_map(|line| {
        let (name, kind) = line.split_once(' ')?;
        let cell = match kind {
            "text" => format!("encode(convert_to({name}, 'UTF8'), 'hex')"),
            "bytea" => format!("encode({name}, 'hex')"),
            "uuid" => format!("replace({name}::text, '-', '')"),
            "bigint" | "integer" | "smallint" => format!("{name}::text"),
            // SQLite has numbers for these.
            "boolean" => format!("({name}::int)::text"),
            _ => return None,
        };
        Some(format!("'{name}', {cell}"))
    });
    let cells: Vec<String> = cells.collect();
    let sql = format!("SELECT json_build_object({}) FROM {schema}.{table}", cells.join(", "));
    let rows = database.run(&sql);
    rows.lines()
        .map(|line| serde_json::from_str(line).expect("a row as JSON"))
        .collect()
}

/// What both have, in an order that both have: by every cell.
fn alike(mut rows: Vec<Row>, other: &[Row]) -> Vec<Row> {
    let has = |name: &String| other.first().is_none_or(|row| row.contains_key(name));
    for row in &mut rows {
        row.retain(|name, _| has(name));
    }
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn f56_hostile_decodings_are_the_same_rows_in_both_databases_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("decodings.db");
    let sqlite = Sqlite::open(SqliteConfig::new(file.clone())).expect("a new database");
    let database = feedback_test_servers::postgres::shared().database();
    let config = PostgresConfig::new(database.url().into());
    let schema = config.schema.clone();
    let postgres = Postgres::connect(config).await.expect("the server answers");
    postgres.migrate().await.expect("an empty database");

    let taken = take_in(&sqlite).await;
    assert_eq!(taken, take_in(&postgres).await);
    let made = taken.iter().filter(|outcome| outcome.contains("NewTicket")).count();
    assert!(
        made >= HOSTILE.len() * 3,
        "{made} tickets of {} deliveries: {taken:#?}",
        taken.len()
    );
    for table in TABLES {
        let (one, other) = (rows_in_file(&file, table), rows_in_server(&database, &schema, table));
        assert!(!one.is_empty() || table == "identity_links", "{table} has rows");
        let (one, other) = (alike(one.clone(), &other), alike(other, &one));
        assert_eq!(one.len(), other.len(), "{table}");
        for (left, right) in one.iter().zip(&other) {
            assert_eq!(left, right, "{table}");
        }
    }
    // Nothing that is no Unicode, and no NUL, is in any text of either: U+FFFD stands for it, and the raw bytes are sealed.
    for row in rows_in_file(&file, "ticket_sources") {
        let text = row["text"].clone().expect("a source has a text");
        let text = hex::decode(text).expect("digits");
        let text = String::from_utf8(text).expect("it is Unicode");
        assert!(!text.contains('\0'), "{text:?}");
    }
    postgres.close().await;
}
