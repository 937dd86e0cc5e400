//! Starts a server, prints its address, and keeps it until its own input ends: `tests/run` shares one among all tests.

use std::io::{Read, Write};

use feedback_test_servers::postgres::PrivateServer;

fn main() -> std::io::Result<()> {
    let server = PrivateServer::start();
    println!("{}", server.url());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(server);
    Ok(())
}
