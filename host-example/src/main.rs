//! The reference host of Feedback Hub: configuration and wiring only. `host-example` without a command is the demo.

mod commands;
mod config;
mod http_edge;
mod server;
mod shutdown;
mod telemetry;
mod wiring;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use commands::{access, demo, doctor, migrate, offline, serve, simulate};

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
    /// Brings the database to this program's schema, and ends.
    Migrate,
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
    /// Reads JSON lines {"id","text"} and writes {"id","type","priority"}: what the rules make of your own messages.
    Classify,
    /// Reads JSON lines {"id","text"} and writes {"id","redacted","spans"}: what the scrubber hides in your own messages.
    Scrub,
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
        Command::Classify => offline::classify(),
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
            Command::Migrate => migrate::run(config),
            Command::Doctor => doctor::run(config).await,
            Command::User { action } => access::user(action, config).await,
            Command::Token { action } => access::token(action, config).await,
            Command::Classify | Command::Scrub => Ok(()),
        }
    });
    // A connection that a client holds open must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}
