//! Personal data is planted in a thousand reports, and looked for in everything that leaves the hub or lies unsealed.
//!
//! What is found is told by kind. Of what has a structure (addresses, numbers, keys) nothing may be found; names, street
//! addresses and user names are words, which no scrubber finds all of: their share is told, and bounded.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, sync::Arc, time::Duration};

use aho_corasick::AhoCorasick;
use feedback_adapters::{
    postgres::{Postgres, PostgresConfig},
    sqlite::{Sqlite, SqliteConfig},
    system::{RandomIds, SystemClock},
    vault::{KeyRing, RingVault},
};
use feedback_core::{
    Hub, HubSettings, Ports,
    domain::Channel,
    logic::normalize::Author,
    ports::{Custody, JobQueue, Queries, Storage},
    testing::{
        FixedClock,
        hub::fake_ports,
        memory::{
            ai::{ScriptedEmbedder, ScriptedTriage, ScriptedWriter},
            tracker::ScriptedTracker,
        },
    },
    usecases::Submission,
    worker::{Worker, WorkerSettings},
};

const REPORTS: usize = 1000;
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=,index:Yt3Yh7pQ5cXb1nQk2v0s8rWf6mD4gJ9aLzUeTiOyP0E=";

/// Kinds that are words, and the share of them that may be found: what the scrubber is measured at, with room for a small
/// sample.
const WORDS: [(&str, f64); 3] = [("NAME", 0.08), ("ADDRESS", 0.08), ("USERNAME", 0.08)];

/// What is planted in report `n`: kind, value, and the sentence around it.
fn planted(n: usize) -> (&'static str, String, String) {
    let d = |digits: usize, salt: usize| -> String {
        let mut value = (n as u64 + 17) * 2_654_435_761 + salt as u64 * 97_531;
        (0..digits)
            .map(|_| {
                value = value
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                char::from(b'0' + ((value >> 33) % 10) as u8)
            })
            .collect()
    };
    let hex = |length: usize| -> String {
        let digits = d(length * 2, 5);
        let pairs = digits.as_bytes().chunks(2);
        pairs
            .map(|pair| {
                char::from(
                    b"abcdefghijkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
                        [usize::from(pair[0] - b'0') * 5 + usize::from(pair[1] - b'0') / 2],
                )
            })
            .collect()
    };
    const GIVEN: [&str; 12] = [
        "Martina",
        "Lucía",
        "Joaquín",
        "Valentina",
        "Rodrigo",
        "Priya",
        "Okonkwo",
        "Siobhan",
        "Emiliano",
        "Ximena",
        "Thabo",
        "Ingrid",
    ];
    const FAMILY: [&str; 12] = [
        "Etcheverry",
        "Quiroga",
        "Olabarría",
        "Villaseñor",
        "Abernathy",
        "Ramaswamy",
        "Nwosu",
        "O'Rourke",
        "Zúñiga",
        "Larrañaga",
        "Dlamini",
        "Bergström",
    ];
    const STREETS: [&str; 6] = [
        "Avenida Corrientes N",
        "Calle Mayor N",
        "Av. Insurgentes Sur N",
        "N Baker Street",
        "Carrera 7 # 71-N",
        "Avenida Providencia N",
    ];
    let name = format!("{} {}", GIVEN[n / 13 % 12], FAMILY[n / 7 % 12]);
    match n % 13 {
        0 => {
            let value = format!(
                "{}.{}{}@correo-{}.example",
                GIVEN[n / 13 % 12].to_lowercase().replace(['í', 'ú'], "i"),
                d(2, 1),
                d(1, 2),
                d(3, 3)
            );
            let text = format!("No puedo entrar, mi correo es {value} y el enlace nunca llega");
            ("EMAIL", value, text)
        }
        1 => {
            let value = format!("+54 9 11 {}-{}", d(4, 1), d(4, 2));
            let text = format!("La app se cierra sola, llamame al {value} cuando puedas");
            ("PHONE", value, text)
        }
        2 => {
            let value = card(&format!("4{}", d(14, 4)));
            let text = format!("I was charged twice on card {value}, please refund one");
            ("CARD", value, text)
        }
        3 => {
            let value = iban_es(&d(20, 6));
            let text = format!("Mi cuenta es {value} y la transferencia no aparece");
            ("IBAN", value, text)
        }
        4 => {
            let number: u32 = d(8, 7).parse().unwrap_or(0);
            let letter = b"TRWAGMYFPDXBNJZSQVHLCKE"[number as usize % 23] as char;
            let value = format!("{number:08}{letter}");
            let text = format!("El formulario no acepta mi DNI {value}, dice que es inválido");
            ("NATIONAL_ID", value, text)
        }
        5 => {
            let value = format!("201.{}.{}.{}", n % 250 + 1, n / 3 % 250 + 1, n / 5 % 250 + 1);
            let text = format!("Bloquearon mi conexión desde la IP {value} sin motivo");
            ("IP", value, text)
        }
        6 => {
            let value = hex(32);
            let text = format!("El enlace https://app.example.com/reset?token={value} da error 500");
            ("URL_TOKEN", value, text)
        }
        7 => {
            let value = format!("sk_live_{}", hex(24));
            let text = format!("The API answers 401 with the key {value} since this morning");
            ("SECRET", value, text)
        }
        8 => {
            let value = format!("{}{}", hex(7), d(3, 8));
            let text = format!("mi contraseña es {value} y aún así no me deja entrar");
            ("SECRET", value, text)
        }
        9 => {
            let text = format!("Habló conmigo {name} de cobranzas y me dijo que la factura está mal");
            ("NAME", name, text)
        }
        10 => {
            let text = format!("The invoice went to {name} instead of me. Please fix it");
            ("NAME", name, text)
        }
        11 => {
            let number = format!("{}{}", n / 13 % 8 + 1, d(2, 9));
            let value = STREETS[n / 13 % 6].replacen('N', &number, 1);
            let text = format!("El pedido llegó a {value}, piso 4, y esa no es mi casa");
            ("ADDRESS", value, text)
        }
        _ => {
            let value = format!("@{}_{}", GIVEN[n / 13 % 12].to_lowercase(), d(4, 2));
            let text = format!("My user {value} was locked after the update");
            ("USERNAME", value, text)
        }
    }
}

/// Fifteen digits and the one that makes them a card's number.
fn card(fifteen: &str) -> String {
    let sum: u32 = fifteen
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            let doubled = digit * 2;
            if at % 2 == 0 {
                doubled / 10 + doubled % 10
            } else {
                digit
            }
        })
        .sum();
    format!("{fifteen}{}", (10 - sum % 10) % 10)
}

/// A Spanish account with the digits that make it one.
fn iban_es(twenty: &str) -> String {
    // ES is 14 28; the check digits are what is missing to 98 over the rest of a division by 97.
    let all = format!("{twenty}142800");
    let rest = all
        .bytes()
        .fold(0_u32, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("ES{:02}{twenty}", 98 - rest)
}

/// The hub over a store, with everything outside recorded.
struct Watched {
    hub: Hub,
    worker: Worker,
    triage: Arc<ScriptedTriage>,
    writer: Arc<ScriptedWriter>,
    embedder: Arc<ScriptedEmbedder>,
    tracker: ScriptedTracker,
}

fn watched<S>(store: &S) -> Watched
where
    S: Storage + Queries + JobQueue + Custody + Clone,
{
    let triage = Arc::new(ScriptedTriage::default());
    let writer = Arc::new(ScriptedWriter::default());
    let embedder = Arc::new(ScriptedEmbedder::default());
    let tracker = ScriptedTracker::default();
    let ports = Ports {
        vault: Arc::new(RingVault::new(KeyRing::parse(KEYS).expect("the test's ring is one"))),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        triage: triage.clone(),
        writer: writer.clone(),
        embedder: embedder.clone(),
        tracker: Some(Arc::new(tracker.clone())),
        ..fake_ports(Arc::new(store.clone()), &FixedClock::default(), 1)
    };
    let hub = Hub::new(ports, HubSettings::default());
    let worker = hub.worker(WorkerSettings::default());
    Watched {
        hub,
        worker,
        triage,
        writer,
        embedder,
        tracker,
    }
}

impl Watched {
    /// Takes all reports in, has them read, confirmed, pushed and drafted.
    async fn run(&self) {
        let person = self.hub.access.add_user("Rita").await.expect("a person is added").id;
        for n in 0..REPORTS {
            let submission = Submission {
                channel: Channel::InApp,
                external_id: None,
                author: Author {
                    external_user_id: format!("user-{n}"),
                    ..Author::default()
                },
                text: planted(n).2,
                title: None,
                ticket_type: None,
                priority: None,
            };
            let made = self
                .hub
                .ingest
                .submit(&submission, None)
                .await
                .expect("the report is recorded");
            if n % 5 == 0 {
                // Pushed to the board, and drafted for its reporter.
                let word = feedback_core::usecases::Confirmed {
                    seen_version: 1,
                    ticket_type: feedback_core::domain::TicketType::Bug,
                    priority: feedback_core::domain::Priority::P2,
                    title: None,
                };
                self.hub
                    .confirm
                    .confirm(made.ticket, &word, person, None)
                    .await
                    .expect("it is confirmed");
                self.hub
                    .drafts
                    .generate(made.ticket, person)
                    .await
                    .expect("it is drafted");
            }
            if n % 50 == 0 {
                while self.worker.run_due().await > 0 {}
            }
        }
        while self.worker.run_due().await > 0 {}
        // A dead letter or two, with the body of a delivery that could not be read.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Everything that was given to AI and to the board, as one text.
    fn left(&self) -> String {
        let mut left = String::new();
        for asked in self.triage.asked() {
            let _ = writeln!(left, "{asked:?}");
        }
        for asked in self.writer.asked() {
            let _ = writeln!(left, "{asked:?}");
        }
        for asked in self.embedder.asked() {
            let _ = writeln!(left, "{asked:?}");
        }
        for pushed in self.tracker.upserts() {
            let _ = writeln!(left, "{pushed:?}");
        }
        left
    }
}

/// How many of each kind were planted, and how many of them are in `bytes`. All values in one pass: the files are large.
fn found(bytes: &[u8]) -> BTreeMap<&'static str, (usize, usize)> {
    let all: Vec<(&'static str, String)> = (0..REPORTS)
        .map(planted)
        .map(|(kind, value, _)| (kind, value))
        .collect();
    let values = AhoCorasick::new(all.iter().map(|(_, value)| value)).expect("a thousand short patterns fit");
    let mut there = vec![false; all.len()];
    for hit in values.find_overlapping_iter(bytes) {
        there[hit.pattern().as_usize()] = true;
    }
    let mut found: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for ((kind, _), there) in all.iter().zip(there) {
        let counts = found.entry(kind).or_default();
        counts.0 += 1;
        counts.1 += usize::from(there);
    }
    found
}

fn judge(place: &str, bytes: &[u8]) {
    let found = found(bytes);
    for (kind, (planted, leaked)) in &found {
        println!("{place}: {kind}: {leaked} of {planted}");
    }
    for (kind, (planted, leaked)) in found {
        let allowed = WORDS
            .iter()
            .find(|(word, _)| *word == kind)
            .map_or(0.0, |(_, share)| *share);
        assert!(
            leaked as f64 <= planted as f64 * allowed,
            "{place}: {leaked} of {planted} planted values of kind {kind}"
        );
    }
}

fn files(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_file() {
            bytes.extend(std::fs::read(path).expect("a file of the store can be read"));
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn f69_what_is_planted_in_a_thousand_reports_neither_leaves_nor_lies_open_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Sqlite::open(SqliteConfig::new(folder.path().join("canary.db"))).expect("a new database");
    let hub = watched(&store);
    hub.run().await;
    judge("what left", hub.left().as_bytes());
    judge("the database's files", &files(folder.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn f69_what_is_planted_in_a_thousand_reports_lies_open_nowhere_in_postgres() {
    let database = feedback_test_servers::postgres::shared().database();
    let config = PostgresConfig::new(database.url().into());
    let schema = config.schema.clone();
    let store = Postgres::connect(config).await.expect("the server answers");
    store.migrate().await.expect("an empty database");
    let hub = watched(&store);
    hub.run().await;
    judge("what left", hub.left().as_bytes());
    let tables = database.run(&format!(
        "SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
    ));
    let mut rows = String::new();
    for table in tables.lines() {
        // The row as text: every column, indexes' material among them.
        rows.push_str(&database.run(&format!("SELECT t::text FROM {schema}.{table} t")));
    }
    assert!(rows.len() > REPORTS * 100, "the tables were read");
    judge("the database's rows", rows.as_bytes());
    store.close().await;
}
