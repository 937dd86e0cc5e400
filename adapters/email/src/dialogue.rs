//! One conversation with the mail server: a connection of its own for each mail, so that none inherits another's state.

use std::sync::atomic::{AtomicU8, Ordering};

use feedback_core::ports::{PortError, PortErrorKind};
use lettre::{
    Address, Message,
    transport::smtp::{
        authentication::Mechanism,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailParameter},
    },
};
use tokio::time::timeout;

use crate::{
    config::{Protection, Server},
    error::{Step, failed, silent},
};

/// Hands a mail over. `Ok` means that the server took it.
pub(crate) async fn deliver(server: &Server, mail: &Message) -> Result<(), PortError> {
    const OPERATION: &str = "email.send";
    let step = AtomicU8::new(Step::Connect.number());
    let talk = async {
        let mut connection = connect(OPERATION, server, &step).await?;
        let sent = hand_over(OPERATION, &mut connection, mail, &step).await;
        match sent {
            // The mail is taken: what becomes of the farewell is nobody's business.
            Ok(()) => {
                connection.quit().await.ok();
                Ok(())
            }
            Err(error) => {
                connection.abort().await;
                Err(error)
            }
        }
    };
    match timeout(server.timeout, talk).await {
        Ok(result) => result,
        Err(_elapsed) => match step.load(Ordering::Acquire) {
            TAKEN => Ok(()),
            at => Err(silent(OPERATION, Step::of(at), "timeout")),
        },
    }
}

/// Signs in and says goodbye.
pub(crate) async fn greet(server: &Server) -> Result<(), PortError> {
    const OPERATION: &str = "email.check";
    let step = AtomicU8::new(Step::Connect.number());
    let talk = async {
        let mut connection = connect(OPERATION, server, &step).await?;
        connection.quit().await.ok();
        Ok(())
    };
    let answered = timeout(server.timeout, talk).await;
    answered.unwrap_or_else(|_| Err(silent(OPERATION, Step::Connect, "timeout")))
}

/// Beyond the last step: the server said that it took the mail.
const TAKEN: u8 = u8::MAX;

async fn connect(operation: &'static str, server: &Server, step: &AtomicU8) -> Result<AsyncSmtpConnection, PortError> {
    let hello = ClientId::default();
    let tls = match &server.protection {
        Protection::Tls(tls) => Some(tls.clone()),
        Protection::StartTls(_) | Protection::Loopback => None,
    };
    let address = (server.host.as_str(), server.port);
    let connected = AsyncSmtpConnection::connect_tokio1(address, Some(server.timeout), &hello, tls, None).await;
    let mut connection = connected.map_err(|error| failed(operation, Step::Connect, error))?;
    match &server.protection {
        Protection::StartTls(_) if !connection.can_starttls() => {
            connection.abort().await;
            return Err(PortError::new(PortErrorKind::Unauthorized, operation)
                .with_code("no_tls")
                .with_reason("the mail server offers no STARTTLS"));
        }
        Protection::StartTls(tls) => {
            let upgraded = connection.starttls(tls.clone(), &hello).await;
            upgraded.map_err(|error| failed(operation, Step::Connect, error))?;
        }
        Protection::Loopback | Protection::Tls(_) => {}
    }
    if let Some(credentials) = &server.credentials {
        step.store(Step::SignIn.number(), Ordering::Release);
        // XOAUTH2 is left out: it needs a token that is renewed.
        let signed_in = connection
            .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
            .await;
        signed_in.map_err(|error| failed(operation, Step::SignIn, error))?;
    }
    Ok(connection)
}

async fn hand_over(
    operation: &'static str,
    connection: &mut AsyncSmtpConnection,
    mail: &Message,
    step: &AtomicU8,
) -> Result<(), PortError> {
    let at = |next: Step| step.store(next.number(), Ordering::Release);
    let envelope = mail.envelope();
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    let parameters = if !envelope.to().iter().chain(envelope.from()).all(is_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(PortError::new(PortErrorKind::Rejected, operation)
                .with_code("no_smtputf8")
                .with_reason("the mail server takes no address with such letters"));
        }
        vec![MailParameter::SmtpUtfEight]
    } else {
        Vec::new()
    };
    at(Step::Sender);
    let sender: Option<Address> = envelope.from().cloned();
    let answered = connection.command(Mail::new(sender, parameters)).await;
    answered.map_err(|error| failed(operation, Step::Sender, error))?;
    at(Step::Recipient);
    for to in envelope.to() {
        let answered = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
        answered.map_err(|error| failed(operation, Step::Recipient, error))?;
    }
    at(Step::Announce);
    let answered = connection.command(Data).await;
    answered.map_err(|error| failed(operation, Step::Announce, error))?;
    at(Step::Text);
    let taken = connection.message(&mail.formatted()).await;
    taken.map_err(|error| failed(operation, Step::Text, error))?;
    step.store(TAKEN, Ordering::Release);
    Ok(())
}
