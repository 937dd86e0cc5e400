//! Starts two servers, a plain one and one with pgvector, prints their addresses, and keeps them until its own input ends:
//! `tests/run` shares them among all tests.

use std::io::{Read, Write};

use feedback_test_servers::postgres::PrivateServer;

fn main() -> std::io::Result<()> {
    let servers = [PrivateServer::start(), PrivateServer::start_with_pgvector()];
    for server in &servers {
        println!("{}", server.url());
    }
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(servers);
    Ok(())
}
