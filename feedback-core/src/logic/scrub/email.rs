//! Email addresses: plain, URL-encoded and spelled out ("juan arroba gmail punto com").

use super::{
    Label, Reading,
    gazetteer::Class,
    view::{Claims, Seen, View, is_alnum},
    words::Word,
};

/// Providers whose name alone says that an address was meant, and the beginnings of hosts people spell.
const PROVIDERS: &[&[u8]] = &[
    b"gmail",
    b"hotmail",
    b"outlook",
    b"yahoo",
    b"icloud",
    b"live",
    b"proton",
    b"protonmail",
    b"aol",
    b"msn",
    b"hey",
    b"me",
    b"mail",
    b"googlemail",
    b"ymail",
    b"rocketmail",
    b"zoho",
    b"gmx",
    b"telefonica",
    b"prodigy",
    b"fastmail",
    b"terra",
    b"yandex",
    b"tutanota",
];

/// Ends of addresses, for hosts that are spelled out.
const TOPS: &[&[u8]] = &[
    b"com", b"es", b"net", b"org", b"edu", b"mx", b"ar", b"cl", b"co", b"pe", b"br", b"uk", b"io", b"gob", b"info",
    b"us", b"eu", b"dev", b"app", b"ai", b"me", b"biz", b"cat", b"gov", b"tv", b"uy", b"ec", b"ve", b"fr", b"de",
    b"it", b"pt", b"ca", b"ac",
];

/// Words before a spelled "at" that are no one's mailbox: "look at gmail.com".
const NO_MAILBOX: &[&[u8]] = &[
    b"me",
    b"us",
    b"him",
    b"her",
    b"them",
    b"look",
    b"looking",
    b"is",
    b"was",
    b"be",
    b"available",
    b"here",
    b"it",
    b"email",
    b"emails",
    b"mail",
    b"account",
    b"accounts",
    b"login",
    b"contact",
    b"write",
    b"meet",
    b"you",
    b"one",
    b"address",
    b"works",
    b"work",
    b"hosted",
    b"sign",
    b"signup",
    b"up",
    b"in",
    b"correo",
    b"cuenta",
    b"error",
    b"down",
    b"fails",
    b"domain",
    b"the",
    b"inbox",
    b"and",
    b"or",
    b"stuck",
    b"not",
    b"page",
    b"site",
    b"back",
    b"out",
    b"only",
    b"issue",
    b"issues",
    b"problem",
    b"problems",
    b"happens",
    b"happening",
];

/// Longest mailbox and host that are read. Without a limit a text of at-signs alone would be read once for each.
const MAX_LOCAL: usize = 100;
const MAX_HOST: usize = 255;

/// Marks every email address.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let view = reading.view;
    if view.has_seen(Seen::AT | Seen::ESCAPE) {
        for (at, byte) in view.low.iter().enumerate() {
            match byte {
                b'@' => plain(view, at, at + 1, claims),
                b'%' if view.low[at..].starts_with(b"%40") => plain(view, at, at + 3, claims),
                b'&' if view.low[at..].starts_with(b"&#64;") => plain(view, at, at + 5, claims),
                _ => {}
            }
        }
    }
    for (index, word) in reading.words.all().iter().enumerate() {
        // What is glued to "arroba" is in no dictionary.
        let length = word.end - word.start;
        if length == 2 || length == 6 || length > 6 && word.class == Class::default() {
            spelled(reading, index, word, claims);
        }
    }
}

/// An address around an at-sign at `at..after`.
fn plain(view: &View<'_>, at: usize, after: usize, claims: &mut Claims) {
    let mut left = at;
    let mut right = after;
    if matches!(view.before(left), b'(' | b'[' | b'{') && matches!(view.byte(right), b')' | b']' | b'}') {
        left -= 1;
        right += 1;
    }
    let mut domain = domain_end(view, right);
    if left > 0 && view.low[left - 1] == b' ' || view.byte(right) == b' ' {
        // "juan @ gmail.com": one space on a side, and only for a host that nobody writes otherwise.
        left -= usize::from(left > 0 && view.low[left - 1] == b' ');
        right += usize::from(view.byte(right) == b' ');
        domain = domain_end(view, right);
        let parted = mailbox(view, left)
            .iter()
            .any(|&byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
        let host = &view.low[right..domain];
        if !(is_provider(host) || parted && has_usual_top(host)) {
            return;
        }
    }
    let mut start = left - mailbox(view, left).len();
    while start < left && matches!(view.low[start], b'.' | b'-' | b'=' | b'/' | b'\'' | b'%') {
        start += 1;
    }
    let host = &view.low[right..domain];
    if start < left && (has_top(host) || is_provider(host)) && host.len() >= 2 {
        claims.hide(start, domain, Label::Email);
    }
}

/// What may be a mailbox right before `end`.
fn mailbox<'v>(view: &'v View<'_>, end: usize) -> &'v [u8] {
    let length = view.low[..end]
        .iter()
        .rev()
        .take(MAX_LOCAL)
        .take_while(|&&byte| is_local(byte))
        .count();
    &view.low[end - length..end]
}

fn is_local(byte: u8) -> bool {
    is_alnum(byte)
        || matches!(
            byte,
            b'.' | b'_' | b'-' | b'+' | b'%' | b'\'' | b'!' | b'#' | b'$' | b'~' | b'*'
        )
}

/// Where the host that starts at `at` ends.
fn domain_end(view: &View<'_>, at: usize) -> usize {
    let mut end = at;
    while end - at < MAX_HOST
        && (is_alnum(view.byte(end)) || (matches!(view.byte(end), b'.' | b'-' | b'_') && is_alnum(view.byte(end + 1))))
    {
        end += 1;
    }
    // "gmail.com.Gracias": the sentence went on without a space.
    if let Some(dot) = view.low[at..end].iter().rposition(|&byte| byte == b'.')
        && view.raw[at + dot + 1].is_ascii_uppercase()
        && view.raw[at..at + dot].iter().any(u8::is_ascii_lowercase)
        && has_top(&view.low[at..at + dot])
    {
        end = at + dot;
    }
    end
}

/// The host ends in a dot and two letters or more.
fn has_top(host: &[u8]) -> bool {
    let top = host.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    top.len() < host.len() && top.len() >= 2 && top.iter().all(|&byte| byte.is_ascii_alphabetic() || byte >= 0x80)
}

/// The host ends in one of the usual ends: `com.acme.Main.run` does not.
fn has_usual_top(host: &[u8]) -> bool {
    has_top(host)
        && host
            .rsplit(|&byte| byte == b'.')
            .next()
            .is_some_and(|top| TOPS.contains(&top))
}

fn is_provider(host: &[u8]) -> bool {
    PROVIDERS.contains(&host.split(|&byte| byte == b'.').next().unwrap_or_default())
}

/// "juan punto perez arroba gmail punto com", "juan at gmail.com", "juan54arrobahotmail.com", "(at)", "[arroba]".
fn spelled(reading: &Reading<'_>, index: usize, word: &Word, claims: &mut Claims) {
    let view = reading.view;
    let low = &view.low[word.start..word.end];
    if let Some(at) = find_in(low, b"arroba").filter(|&at| at > 0 || low.len() > 6) {
        // Glued on one side or both.
        let glued_left = at > 0;
        let glued_right = at + 6 < low.len();
        let start = if glued_left {
            Some(local_start(reading, index, word.start))
        } else {
            local_before(reading, index)
        };
        let host = if glued_right {
            host_end(reading, index, word.start + at + 6)
        } else {
            host_after(reading, index)
        };
        if let (Some(start), Some((end, _))) = (start, host) {
            claims.hide(start, end, Label::Email);
        }
        return;
    }
    let strong = low == b"arroba";
    let bracketed = matches!(view.before(word.start), b'(' | b'[' | b'{' | b'<')
        && matches!(view.byte(word.end), b')' | b']' | b'}' | b'>');
    if !(strong || low == b"at") {
        return;
    }
    let (Some(start), Some((end, spelled_dot))) = (local_before(reading, index), host_after(reading, index)) else {
        return;
    };
    let mailbox = index.checked_sub(1).map(|left| reading.words.all()[left]);
    let no_mailbox =
        mailbox.is_some_and(|left| start == left.start && NO_MAILBOX.contains(&&view.low[left.start..left.end]));
    let host_start = reading.words.all()[index + 1].start;
    let parted = mailbox.is_some_and(|left| start < left.start);
    if strong
        || bracketed
        || (!no_mailbox
            && (spelled_dot
                || parted && has_usual_top(&view.low[host_start..end])
                || is_provider(&view.low[host_start..end])))
    {
        claims.hide(start, end, Label::Email);
    }
}

fn find_in(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Start of the mailbox that ends in the word before `index`.
fn local_before(reading: &Reading<'_>, index: usize) -> Option<usize> {
    let left = index.checked_sub(1)?;
    let words = reading.words.all();
    let gap = &reading.view.low[words[left].end..words[index].start];
    let near = gap.len() <= 3
        && gap
            .iter()
            .all(|byte| matches!(byte, b' ' | b'(' | b'[' | b'{' | b'<' | b'_' | b'-' | b'.'));
    near.then(|| local_start(reading, left, words[left].start))
}

/// Goes left over "punto", "guion bajo", dots and underscores.
fn local_start(reading: &Reading<'_>, mut index: usize, mut start: usize) -> usize {
    let view = reading.view;
    let words = reading.words.all();
    // A mailbox has few parts; the limit keeps endless chains linear.
    for _ in 0..6 {
        let Some(left) = index.checked_sub(1) else { break };
        let word = words[left];
        let gap = &view.low[word.end..words[index].start];
        let low = &view.low[word.start..word.end];
        if matches!(gap, b"." | b"_" | b"-" | b"+") {
            (index, start) = (left, word.start);
            continue;
        }
        let joins = gap == b" "
            && matches!(
                low,
                b"punto" | b"dot" | b"guion" | b"bajo" | b"underscore" | b"guionbajo" | b"dash" | b"barrabaja"
            );
        let two = low == b"bajo";
        let back = if two { left.checked_sub(2) } else { left.checked_sub(1) };
        let Some(back) = back.filter(|_| joins) else { break };
        let tight = view.low[words[back].end..word.start]
            .iter()
            .all(|&byte| byte == b' ' || byte.is_ascii_alphabetic());
        if !tight || word.start - words[back].end > 8 {
            break;
        }
        (index, start) = (back, words[back].start);
    }
    start
}

/// End of the host that starts in the word after `index`, and whether its dot is spelled.
fn host_after(reading: &Reading<'_>, index: usize) -> Option<(usize, bool)> {
    let words = reading.words.all();
    let next = words.get(index + 1)?;
    let gap = &reading.view.low[words[index].end..next.start];
    let near = gap.len() <= 3 && gap.iter().all(|byte| matches!(byte, b' ' | b')' | b']' | b'}' | b'>'));
    if near {
        host_end(reading, index + 1, next.start)
    } else {
        None
    }
}

/// End of the host that starts at `from` inside word `index`: plain ("gmail.com"), spelled ("gmail punto com") or one of
/// the providers alone.
fn host_end(reading: &Reading<'_>, index: usize, from: usize) -> Option<(usize, bool)> {
    let view = reading.view;
    let words = reading.words.all();
    let end = domain_end(view, from);
    let host = &view.low[from..end];
    let mut at = index;
    while at + 1 < words.len() && words[at].end < end {
        at += 1;
    }
    let mut stop = end;
    let mut spelled = false;
    for _ in 0..3 {
        let (Some(dot), Some(top)) = (words.get(at + 1), words.get(at + 2)) else {
            break;
        };
        let is_dot = matches!(&view.low[dot.start..dot.end], b"punto" | b"dot" | b"pto");
        let tight = dot.start - stop <= 3 && top.start - dot.end <= 3;
        let first = !spelled && !has_top(host) && top.end - top.start >= 3;
        let is_top = first || TOPS.contains(&&view.low[top.start..top.end]);
        if !is_dot || !tight || !is_top {
            break;
        }
        spelled = true;
        stop = top.end;
        at += 2;
    }
    (spelled || has_top(host) || is_provider(host)).then_some((stop, spelled))
}
