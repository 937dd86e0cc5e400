//! Where one request ends and the next begins, judged more strictly than hyper does it. hyper repairs what the standard
//! lets it repair (`Content-Length` beside `Transfer-Encoding`, one length said twice, lines that end with LF alone); a
//! proxy in front of the hub may repair it differently, and then the two see different requests in the same bytes.

/// How much of a line is kept: the fields that frame a body are shorter.
const LINE_BYTES: usize = 64;

/// Follows the bytes of a connection as far as needed to know what is a header.
#[derive(Debug, Default)]
pub(super) struct Framing {
    at: At,
    head: Head,
    heads: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    /// After a header with `Transfer-Encoding`. Chunks are not followed: such a connection ends with its answer.
    Chunks,
}

/// What was seen of a header so far.
#[derive(Debug, Default)]
struct Head {
    has_begun: bool,
    has_request_line: bool,
    line: Vec<u8>,
    line_is_cut: bool,
    after_cr: bool,
    length: Option<u64>,
    is_chunked: bool,
}

/// This is not one request, or not surely one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ambiguous;

impl Framing {
    /// Follows these bytes. `Err` tells how many of them were fine before it became ambiguous.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut from = 0;
        while from < bytes.len() {
            match &mut self.at {
                At::Chunks => return Ok(()),
                At::Body(rest) => {
                    let here = usize::try_from(*rest).unwrap_or(usize::MAX).min(bytes.len() - from);
                    *rest -= here as u64;
                    from += here;
                    if *rest == 0 {
                        self.at = At::Head;
                    }
                }
                At::Head => {
                    if self.head.take(bytes[from]).map_err(|Ambiguous| from)? {
                        self.at = std::mem::take(&mut self.head).body();
                        self.heads += 1;
                    }
                    from += 1;
                }
            }
        }
        Ok(())
    }

    /// Headers that are complete.
    pub(super) const fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether a header is owed: nothing came yet, or a part of one.
    pub(super) fn owes_head(&self) -> bool {
        self.at == At::Head && (self.heads == 0 || self.head.has_begun)
    }

    /// Whether all that came was whole requests.
    pub(super) fn is_between_requests(&self) -> bool {
        self.at == At::Head && !self.head.has_begun
    }
}

impl Head {
    /// Takes one byte; whether the header ends with it.
    fn take(&mut self, byte: u8) -> Result<bool, Ambiguous> {
        self.has_begun = true;
        if self.after_cr {
            self.after_cr = false;
            return if byte == b'\n' { self.end_line() } else { Err(Ambiguous) };
        }
        match byte {
            b'\r' => self.after_cr = true,
            b'\n' | 0 => return Err(Ambiguous),
            _ if self.line.len() < LINE_BYTES => self.line.push(byte),
            _ => self.line_is_cut = true,
        }
        Ok(false)
    }

    fn end_line(&mut self) -> Result<bool, Ambiguous> {
        if self.line.is_empty() {
            // Empty lines ahead of a request are passed over, here as by hyper.
            return Ok(self.has_request_line);
        }
        if self.has_request_line {
            self.field()?;
        }
        self.has_request_line = true;
        self.line.clear();
        self.line_is_cut = false;
        Ok(false)
    }

    fn field(&mut self) -> Result<(), Ambiguous> {
        let colon = self
            .line
            .iter()
            .position(|&byte| byte == b':')
            .unwrap_or(self.line.len());
        let (name, value) = self.line.split_at(colon);
        // A folded line begins with a space, and a space before the colon is read differently by different servers.
        if name.iter().any(|&byte| matches!(byte, b' ' | b'\t')) {
            return Err(Ambiguous);
        }
        let is_length = name.eq_ignore_ascii_case(b"content-length");
        let is_coding = name.eq_ignore_ascii_case(b"transfer-encoding");
        if !is_length && !is_coding {
            return Ok(());
        }
        if self.line_is_cut || self.length.is_some() || self.is_chunked {
            return Err(Ambiguous);
        }
        let value = value.strip_prefix(b":").ok_or(Ambiguous)?.trim_ascii();
        if is_length {
            self.length = Some(length(value).ok_or(Ambiguous)?);
        } else if value.eq_ignore_ascii_case(b"chunked") {
            self.is_chunked = true;
        } else {
            return Err(Ambiguous);
        }
        Ok(())
    }

    fn body(self) -> At {
        match self.length {
            _ if self.is_chunked => At::Chunks,
            None | Some(0) => At::Head,
            Some(bytes) => At::Body(bytes),
        }
    }
}

/// Digits and nothing else: no sign, no list.
fn length(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(bytes: &str) -> Result<u64, usize> {
        let mut whole = Framing::default();
        let verdict = whole.follow(bytes.as_bytes()).map(|()| whole.heads());
        // The same in single bytes: how the network cuts it must not matter.
        let mut single = Framing::default();
        let cut = bytes
            .bytes()
            .enumerate()
            .find(|(_, byte)| single.follow(&[*byte]).is_err());
        assert_eq!(cut.map_or(Ok(single.heads()), |(at, _)| Err(at)), verdict, "{bytes:?}");
        verdict
    }

    fn post(fields: &str) -> Result<u64, usize> {
        verdict(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    }

    #[test]
    fn requests_are_told_apart_by_their_lengths() {
        let post = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\n\r\n\0";
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(verdict(&format!("{post}{get}\r\n{post}{get}")), Ok(4));
    }

    #[test]
    fn f62_what_could_be_read_in_two_ways_is_ambiguous() {
        for fields in [
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length: 1\r\ncontent-length: 1\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: 1, 1\r\n",
            "Content-Length: 0x1\r\n",
            "Content-Length:\r\n",
            "Content-Length : 1\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "X: a\r\n folded\r\n",
            "X: a\r\n\tContent-Length: 1\r\n",
            "X: a\n",
            "X: a\rb\r\n",
            "X: a\0b\r\n",
        ] {
            assert!(post(fields).is_err(), "{fields:?}");
        }
        let padded = format!("Content-Length: {:0>80}\r\n", 1);
        assert!(post(&padded).is_err(), "a length that is not kept whole");
    }

    #[test]
    fn what_can_be_read_in_one_way_passes() {
        let long = format!("X: {}\r\n", "Transfer-Encoding: ".repeat(50));
        for fields in [
            "Content-Length: 0\r\n",
            "content-length:\t7 \r\n",
            "TRANSFER-ENCODING: Chunked\r\n",
            "X-Content-Length: 1\r\nContent-Length: 2\r\n",
            "X:\r\n",
            &long,
        ] {
            assert_eq!(post(fields), Ok(1), "{fields:?}");
        }
    }

    #[test]
    fn a_header_is_owed_at_the_start_and_once_begun_and_not_between() {
        let mut framing = Framing::default();
        assert!(framing.owes_head() && framing.is_between_requests());
        framing.follow(b"GET / HT").unwrap();
        assert!(framing.owes_head() && !framing.is_between_requests());
        framing.follow(b"TP/1.1\r\nContent-Length: 2\r\n\r\na").unwrap();
        assert!(!framing.owes_head() && !framing.is_between_requests());
        framing.follow(b"b").unwrap();
        assert!(!framing.owes_head() && framing.is_between_requests());
        framing.follow(b"G").unwrap();
        assert!(framing.owes_head() && !framing.is_between_requests());
    }
}
