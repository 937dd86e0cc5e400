//! The reference host of Feedback Hub: configuration and wiring only. `host-example` without a command is the demo.

mod commands;
mod config;
mod encoder;
mod http_edge;
mod server;
mod shutdown;
mod store;
mod telemetry;
mod wiring;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use commands::{access, demo, doctor, migrate, offline, privacy, restore, serve, similar, simulate};

/// Turns customers' messages into tickets, and tells the customers when their problem is solved.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// The configuration file; `feedback.toml` in the working directory is read if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything on this machine, with stand-ins for all providers and made-up customers (the default).
    Demo(demo::Arguments),
    /// Production: real providers, and nothing starts with a missing or weak secret.
    Serve(serve::Arguments),
    /// Posts made-up, signed webhooks to a hub that is running.
    Simulate(simulate::Arguments),
    /// Brings the database to this program's schema, and ends. With `--from` and `--to`: moves a SQLite file into PostgreSQL.
    Migrate(migrate::Arguments),
    /// Checks the configuration and asks every provider who we are, in plain words.
    Doctor,
    /// People who review.
    User {
        #[command(subcommand)]
        action: access::UserAction,
    },
    /// Bearer tokens for the API.
    Token {
        #[command(subcommand)]
        action: access::TokenAction,
    },
    /// Writes everything that is kept of a person, for them, to standard output.
    Export(privacy::Copy),
    /// Erases a person: keys, names, addresses, texts and files. It cannot be taken back.
    Erase(privacy::Person),
    /// Removes what retention says has had its time; a running host does it every hour.
    Purge,
    /// Moves everything to the newest of SECRET_KEYS, so that older ones can go. It can be stopped and run again.
    RotateKeys,
    /// Makes a database that came back from a backup safe to serve: erases again who was erased since, and stops deliveries
    /// that may have been made since.
    Restore(restore::Arguments),
    /// Proves that the timelines are as they were written, and names the first event of each that is not.
    Verify,
    /// Reads JSON lines {"id","text"} and writes {"id","type","priority"}: what the rules make of your own messages.
    Classify(offline::ClassifyArguments),
    /// Reads JSON lines {"id","text"} and writes {"id","redacted","spans"}: what the scrubber hides in your own messages.
    Scrub,
    /// Reads JSON lines {"id","created_at","text"} and writes {"query","candidates"}: which of your own messages repeat an
    /// older one, likeliest first, with the probability.
    Similar(similar::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // One TLS provider for the whole process, before the first client is made.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("host-example: a TLS provider was installed before main; there may be only one");
        return ExitCode::from(70);
    }
    let command = cli.command.unwrap_or_else(|| Command::Demo(demo::Arguments::default()));
    let result = match command {
        Command::Classify(arguments) => offline::classify(arguments),
        Command::Scrub => offline::scrub(),
        online => run(online, cli.config.as_deref()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("host-example: {error:#}");
            ExitCode::from(commands::exit_code(&error))
        }
    }
}

fn run(command: Command, config: Option<&std::path::Path>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Demo(arguments) => demo::run(arguments, config).await,
            Command::Serve(arguments) => serve::run(arguments, config).await,
            Command::Simulate(arguments) => simulate::run(arguments, config).await,
            Command::Migrate(arguments) => migrate::run(arguments, config).await,
            Command::Doctor => doctor::run(config).await,
            Command::Export(copy) => privacy::export(copy, config).await,
            Command::Erase(person) => privacy::erase(person, config).await,
            Command::Purge => privacy::purge(config).await,
            Command::RotateKeys => privacy::rotate_keys(config).await,
            Command::Restore(arguments) => restore::run(arguments, config).await,
            Command::Verify => privacy::verify(config).await,
            Command::User { action } => access::user(action, config).await,
            Command::Token { action } => access::token(action, config).await,
            Command::Similar(arguments) => similar::run(arguments).await,
            Command::Classify(_) | Command::Scrub => Ok(()),
        }
    });
    // A connection that a client holds open must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}
