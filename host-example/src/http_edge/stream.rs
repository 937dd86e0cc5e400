//! A peer's connection, with an end to patience: headers that drip, answers that nobody takes, requests that are not
//! surely one.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{Limits, framing::Framing};

/// What hyper is handed instead of a request that is not surely one: no request begins or goes on like this, so it is
/// hyper that answers 400, after everything that came before was answered, and closes.
const NO_REQUEST: &[u8] = b"\0\r\n\r\n";

/// How long, and for how many bytes, a peer that was answered early may go on sending. Closing over bytes that nobody
/// read resets the connection, and the peer would lose the answer that says what was wrong.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// A connection that is given up where its peer leaves us waiting.
#[derive(Debug)]
pub(super) struct Patient<T> {
    io: T,
    framing: Framing,
    /// What is left to hand over of [`NO_REQUEST`], once there is no request.
    instead: Option<&'static [u8]>,
    head: Timer,
    stalled: Timer,
    linger: Timer,
    lingered: Option<usize>,
}

impl<T> Patient<T> {
    pub(super) fn new(io: T, limits: Limits) -> Self {
        Self {
            io,
            framing: Framing::default(),
            instead: None,
            head: Timer::new(limits.head_time),
            stalled: Timer::new(limits.stalled_time),
            linger: Timer::new(LINGER_TIME),
            lingered: None,
        }
    }

    /// Ends what a peer leaves us waiting for.
    fn unless_stalled<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.stalled.stop();
            return written;
        }
        self.stalled.poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(left) = this.instead {
            this.instead = Some(hand_over(left, buf));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.io).poll_read(cx, buf) else {
            if !this.framing.owes_head() {
                return Poll::Pending;
            }
            return this.head.poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        };
        read?;
        let heads = this.framing.heads();
        if let Err(fine) = this.framing.follow(&buf.filled()[before..]) {
            buf.set_filled(before + fine);
            this.instead = Some(hand_over(NO_REQUEST, buf));
        }
        if this.framing.heads() > heads {
            this.head.stop();
        }
        Poll::Ready(Ok(()))
    }
}

fn hand_over(left: &'static [u8], buf: &mut ReadBuf<'_>) -> &'static [u8] {
    let (now, later) = left.split_at(left.len().min(buf.remaining()));
    buf.put_slice(now);
    later
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut drained = match this.lingered {
            Some(drained) => drained,
            None => {
                ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
                if this.framing.is_between_requests() {
                    return Poll::Ready(Ok(()));
                }
                0
            }
        };
        let mut ignored = [0; 4096];
        loop {
            this.lingered = Some(drained);
            let mut buf = ReadBuf::new(&mut ignored);
            match Pin::new(&mut this.io).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() && drained < LINGER_BYTES => {
                    drained += buf.filled().len();
                }
                // The peer closed, was too much, or is gone: whatever it is, this is over.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return this.linger.poll(cx).map(Ok),
            }
        }
    }
}

/// Runs from the first time that something is waited for.
#[derive(Debug)]
struct Timer {
    limit: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    const fn new(limit: Duration) -> Self {
        Self { limit, running: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let running = self.running.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        running.as_mut().poll(cx)
    }

    fn stop(&mut self) {
        self.running = None;
    }
}
