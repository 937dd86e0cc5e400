//! `DATABASE_URL` and `QUEUE_URL`: where the hub's data is, and what spreads its work between hosts.

use feedback_adapters::nats::NatsConfig;

use super::source::Source;
use crate::store::Database;

/// Where the data is.
pub(super) fn database(source: &mut Source) -> Option<Database> {
    let url = source.text("", "database_url")?;
    let database = Database::parse(&url);
    if database.is_none() {
        source.wrong("DATABASE_URL must be sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE");
    }
    database
}

/// NATS beside the database. A SQLite file has one host, which hears of its own work.
pub(super) fn queue(source: &mut Source, database: Option<&Database>) -> Option<NatsConfig> {
    let mut given = |key| source.text("", key);
    let (url, credentials, stream) = (given("queue_url"), given("queue_credentials"), given("queue_stream"));
    let Some(url) = url else {
        if credentials.is_some() || stream.is_some() {
            source.wrong("QUEUE_CREDENTIALS and QUEUE_STREAM are for a QUEUE_URL, which is missing");
        }
        return None;
    };
    if !matches!(database, Some(Database::Server(_))) {
        source.wrong("QUEUE_URL is for hosts that share a PostgreSQL database: DATABASE_URL is none");
        return None;
    }
    let mut config = NatsConfig::new(url.into());
    if let Some(credentials) = credentials {
        config = config.with_credentials(credentials.into());
    }
    if let Some(stream) = stream {
        config = config.with_stream(stream);
    }
    if let Err(wrong) = config.check() {
        let name = wrong.name.to_uppercase();
        source.wrong(format!("QUEUE_{name} {}", wrong.problem));
    }
    Some(config)
}

#[cfg(test)]
mod tests {
    use crate::config::{Settings, problems_of};

    #[test]
    fn a_queue_beside_the_database_needs_a_database_server_and_an_address() {
        let postgres = ("FEEDBACK_DATABASE_URL", "postgres://db.example/hub");
        let url = ("FEEDBACK_QUEUE_URL", "tls://hub:secret@nats.example:4222");
        let stream = ("FEEDBACK_QUEUE_STREAM", "second_hub");
        let settings = Settings::from_pairs(&[postgres, url, stream]).unwrap();
        assert_eq!(settings.queue.unwrap().stream, "second_hub");
        assert!(Settings::from_pairs(&[postgres]).unwrap().queue.is_none());
        let no_server = ["QUEUE_URL is for hosts that share a PostgreSQL database: DATABASE_URL is none"];
        assert_eq!(problems_of(&[url]), no_server);
        assert_eq!(
            problems_of(&[("FEEDBACK_DATABASE_URL", "sqlite://hub.db"), url]),
            no_server
        );
        assert_eq!(
            problems_of(&[postgres, ("FEEDBACK_QUEUE_URL", "nats.example:4222")]),
            ["QUEUE_URL must be nats://host:4222 or tls://host:4222"]
        );
        assert_eq!(
            problems_of(&[postgres, url, ("FEEDBACK_QUEUE_CREDENTIALS", "not-a-key")]),
            ["QUEUE_CREDENTIALS must be what a .creds file holds, or the seed of a user's nkey"]
        );
        assert_eq!(
            problems_of(&[postgres, stream]),
            ["QUEUE_CREDENTIALS and QUEUE_STREAM are for a QUEUE_URL, which is missing"]
        );
    }
}
