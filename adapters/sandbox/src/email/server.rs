//! A mail server on loopback: takes every mail, in the clear and without sign-in, unless it was told to fail.
//!
//! An unscoped fault meets the text of a mail. One whose scope's path is `/connect`, `/mail` or `/rcpt` meets that step.

use std::{io, sync::Arc};

use bytes::Bytes;
use mail_parser::{MessageParser, PartType};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::Mail;
use crate::{Provider, RecordedRequest, faults::Fault, world::World};

/// Mails over this size are refused.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Longer lines end the connection: RFC 5321 allows 1,000.
const MAX_LINE: usize = 64 * 1024;

/// Takes connections until the sandbox ends.
pub(crate) fn serve(world: &Arc<World>, listener: TcpListener) {
    let accepting = Arc::clone(world);
    world.hub.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let world = Arc::clone(&accepting);
            accepting.hub.spawn(async move {
                if let Err(error) = (Session {
                    world,
                    from: String::new(),
                    to: Vec::new(),
                })
                .talk(stream)
                .await
                {
                    tracing::debug!(%error, "A mail client hung up.");
                }
            });
        }
    });
}

/// What happens after a step.
enum Then {
    GoOn,
    HangUp,
}

struct Session {
    world: Arc<World>,
    from: String,
    to: Vec<String>,
}

impl Session {
    async fn talk(mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        if let Then::HangUp = self.step(&mut stream, "/connect", "220 sandbox ESMTP").await? {
            return Ok(());
        }
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 || line.len() > MAX_LINE {
                return Ok(());
            }
            let command = line.trim_end();
            let verb = command
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let then = match verb.as_str() {
                "EHLO" => {
                    say(&mut stream, "250-sandbox").await?;
                    say(&mut stream, "250-SMTPUTF8").await?;
                    say(&mut stream, "250 8BITMIME").await?;
                    Then::GoOn
                }
                "HELO" | "NOOP" => self.answer(&mut stream, "250 sandbox").await?,
                "RSET" => {
                    self.to.clear();
                    self.answer(&mut stream, "250 2.0.0 forgotten").await?
                }
                "MAIL" => {
                    self.from = address(command);
                    self.to.clear();
                    self.step(&mut stream, "/mail", "250 2.1.0 sender ok").await?
                }
                "RCPT" => {
                    self.to.push(address(command));
                    self.step(&mut stream, "/rcpt", "250 2.1.5 recipient ok").await?
                }
                "DATA" if self.to.is_empty() => self.answer(&mut stream, "503 5.5.1 nobody to send to").await?,
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    match read_text(&mut stream).await? {
                        Some(text) => self.take(&mut stream, text).await?,
                        None => Then::HangUp,
                    }
                }
                "QUIT" => {
                    say(&mut stream, "221 2.0.0 bye").await?;
                    Then::HangUp
                }
                _ => self.answer(&mut stream, "502 5.5.2 not played here").await?,
            };
            if let Then::HangUp = then {
                return Ok(());
            }
        }
    }

    async fn answer(&self, stream: &mut BufReader<TcpStream>, line: &str) -> io::Result<Then> {
        say(stream, line).await?;
        Ok(Then::GoOn)
    }

    /// A step before the text: fails only where a fault names it.
    async fn step(&self, stream: &mut BufReader<TcpStream>, path: &str, line: &str) -> io::Result<Then> {
        match self.world.faults.take_at(Provider::Email, "SMTP", path) {
            None => self.answer(stream, line).await,
            Some(fault) => self.fail(stream, fault, line).await,
        }
    }

    /// The text is here: the mail is taken, or fails as it was told to.
    async fn take(&mut self, stream: &mut BufReader<TcpStream>, text: Vec<u8>) -> io::Result<Then> {
        let at = self.world.clock.now();
        self.world.note(
            Provider::Email,
            RecordedRequest {
                at,
                method: "SMTP".into(),
                path: "/data".into(),
                body: Bytes::from(text.clone()),
            },
        );
        let fault = self.world.faults.take(Provider::Email, "SMTP", "/data");
        let has_effect = matches!(
            fault,
            None | Some(Fault::Hang | Fault::CloseAfterEffect | Fault::Slow(_))
        );
        if has_effect {
            for to in &self.to {
                let mail = parsed(&self.world, &self.from, to, &text);
                self.world.email.lock().keep(mail);
            }
        }
        self.to.clear();
        let taken = "250 2.0.0 taken";
        match fault {
            None => self.answer(stream, taken).await,
            Some(fault) => self.fail(stream, fault, taken).await,
        }
    }

    async fn fail(&self, stream: &mut BufReader<TcpStream>, fault: Fault, line: &str) -> io::Result<Then> {
        match fault {
            Fault::Status(code, words) => self.answer(stream, &format!("{code} {words}")).await,
            Fault::ProviderError(code) => self.answer(stream, &format!("{code} as the sandbox was told to")).await,
            Fault::RateLimited { .. } => self.answer(stream, "451 4.7.1 too many mails, come again later").await,
            Fault::Slow(pause) => {
                tokio::time::sleep(pause).await;
                self.answer(stream, line).await
            }
            Fault::Hang => std::future::pending().await,
            Fault::CloseAfterEffect | Fault::CloseBeforeEffect => Ok(Then::HangUp),
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> io::Result<()> {
    let one_line = line.replace(['\r', '\n'], " ");
    stream.get_mut().write_all(format!("{one_line}\r\n").as_bytes()).await
}

/// The text up to the lone dot; `None` where the client hung up before it or the text is too long.
async fn read_text(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 || text.len() + line.len() > MAX_BYTES {
            return Ok(None);
        }
        if line == b".\r\n" || line == b".\n" {
            return Ok(Some(text));
        }
        // A dot at the beginning of a line was doubled on the way.
        text.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

/// What stands between the angle brackets.
fn address(command: &str) -> String {
    let inner = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}

fn parsed(world: &World, from: &str, to: &str, raw: &[u8]) -> Mail {
    let parsed = MessageParser::default().parse(raw);
    let header = |name: &str| {
        let header = parsed
            .as_ref()
            .and_then(|mail| mail.header_raw(name).map(str::to_owned));
        header.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let bare = |id: &str| id.trim_matches(['<', '>']).to_owned();
    let part = |is_html: bool| {
        parsed.as_ref()?.parts.iter().find_map(|part| match &part.body {
            PartType::Text(text) if !is_html => Some(text.to_string()),
            PartType::Html(html) if is_html => Some(html.to_string()),
            _ => None,
        })
    };
    Mail {
        from: from.to_owned(),
        to: to.to_owned(),
        subject: parsed
            .as_ref()
            .and_then(|mail| mail.subject())
            .unwrap_or_default()
            .to_owned(),
        text: part(false).unwrap_or_default().replace("\r\n", "\n"),
        html: part(true),
        message_id: header("Message-ID").map(|id| bare(&id)).unwrap_or_default(),
        in_reply_to: header("In-Reply-To").map(|id| bare(&id)),
        references: header("References")
            .map(|ids| ids.split(' ').map(bare).collect())
            .unwrap_or_default(),
        list_unsubscribe: header("List-Unsubscribe"),
        at: world.clock.now(),
        is_from_person: false,
        raw: String::from_utf8_lossy(raw).into_owned(),
    }
}
