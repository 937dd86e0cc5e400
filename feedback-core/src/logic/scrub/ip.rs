//! Addresses of machines, told from versions by the words before them.

use super::{
    Label, Reading,
    cues::Cues,
    view::{Claims, View, is_alnum},
};

/// Marks addresses of version 4 and 6.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let view = reading.view;
    let mut at = 0;
    while at < view.len() {
        let byte = view.low[at];
        let italic = view.before(at) == b'_' && (at < 2 || !is_alnum(view.byte(at - 2)));
        let starts = !is_alnum(view.before(at)) && (italic || !matches!(view.before(at), b'.' | b':' | b'_'));
        if starts
            && byte.is_ascii_digit()
            && let Some(end) = version_4(view, at)
        {
            if is_address(reading, at, end) {
                claims.hide(at, end, Label::Ip);
            } else {
                claims.keep(at, end);
            }
            at = end;
            continue;
        }
        if (starts || view.before(at) == b'[')
            && (byte.is_ascii_hexdigit() || byte == b':')
            && let Some(end) = version_6(view, at)
        {
            claims.hide(at, end, Label::Ip);
            at = end;
            continue;
        }
        at += 1;
    }
}

/// End of four numbers of at most 255 that starts at `at`.
fn version_4(view: &View<'_>, mut at: usize) -> Option<usize> {
    for part in 0..4 {
        let digits = (at..at + 4).take_while(|&at| view.byte(at).is_ascii_digit()).count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        let number = view.low[at..at + digits]
            .iter()
            .fold(0, |number, &digit| number * 10 + u32::from(digit - b'0'));
        if number > 255 {
            return None;
        }
        at += digits;
        if part < 3 {
            if view.byte(at) != b'.' {
                return None;
            }
            at += 1;
        }
    }
    let more = is_alnum(view.byte(at))
        || view.byte(at) == b'_' && is_alnum(view.byte(at + 1))
        || (matches!(view.byte(at), b'.' | b'-') && is_alnum(view.byte(at + 1)));
    (!more).then_some(at)
}

fn is_address(reading: &Reading<'_>, at: usize, end: usize) -> bool {
    let (from, to) = (at, end);
    // Masks and the machine itself are nobody's.
    if reading.view.low[from..to].starts_with(b"255.")
        || matches!(&reading.view.low[from..to], b"0.0.0.0" | b"127.0.0.1")
    {
        return false;
    }
    let low = &reading.view.low;
    // "10.0.0.0/8": a network, not a machine.
    if low[from..to].ends_with(b".0") && reading.view.byte(end) == b'/' {
        return false;
    }
    if view_has_port(reading.view, end) {
        return true;
    }
    if is_release(reading, at) {
        return false;
    }
    let named_behind = reading.words.after(end).take(4).any(|word| {
        matches!(
            &reading.view.low[word.start..word.end],
            b"version" | b"firmware" | b"build" | b"release" | b"driver"
        )
    });
    let version = reading
        .words
        .distance(reading.view, at, Cues::VERSION, 4)
        .or(named_behind.then_some(4));
    let address = reading.words.distance(reading.view, at, Cues::IP, 6);
    let far = reading.view.low[from..to]
        .split(|&byte| byte == b'.')
        .any(|part| part.len() == 3);
    match (version, address) {
        // "client ip 83.44.12.9, edge 83.44.12.10": what a list of addresses is about holds for the whole list.
        (Some(version), Some(address)) => address <= version || address <= 4 && reading.view.before(at) == b' ' && far,
        (version, _) => version.is_none(),
    }
}

/// "cuDNN 8.6.0.163", "pkg==1.2.3.4", "OpenCV => 4.5.5.64": the word right before is a product's name, or two signs say it.
fn is_release(reading: &Reading<'_>, at: usize) -> bool {
    let view = reading.view;
    let Some(word) = reading.words.before(at).next() else {
        return false;
    };
    let gap = &view.low[word.end..at];
    let name = &view.raw[word.start..word.end];
    let mixed = name.iter().any(u8::is_ascii_lowercase) && name.iter().skip(1).any(u8::is_ascii_uppercase);
    gap == b"==" || mixed && !word.cues.has(Cues::IP) && matches!(gap, b" " | b" => " | b" = " | b": ")
}

/// `:8080` or `/24` behind it.
fn view_has_port(view: &View<'_>, end: usize) -> bool {
    matches!(view.byte(end), b':' | b'/') && view.byte(end + 1).is_ascii_digit()
}

/// End of groups of hexadecimal digits with colons: all eight, or fewer with one `::`.
fn version_6(view: &View<'_>, start: usize) -> Option<usize> {
    let mut at = start;
    let (mut groups, mut double, mut letters) = (0, false, false);
    while at < start + 45 {
        if view.byte(at) == b':' {
            if view.byte(at + 1) == b':' && !double {
                double = true;
                at += 2;
                continue;
            }
            if at == start || !view.byte(at + 1).is_ascii_hexdigit() {
                break;
            }
            at += 1;
            continue;
        }
        let digits = (at..at + 5).take_while(|&at| view.byte(at).is_ascii_hexdigit()).count();
        if digits == 0 {
            break;
        }
        if digits > 4 {
            return None;
        }
        if double && let Some(end) = version_4(view, at) {
            // "::ffff:83.44.12.9"
            return Some(end);
        }
        letters |= view.low[at..at + digits].iter().any(u8::is_ascii_alphabetic) || digits == 4;
        groups += 1;
        at += digits;
    }
    let whole = groups == 8 || (double && (2..8).contains(&groups));
    (whole && letters && !is_alnum(view.byte(at)) && view.byte(at) != b':').then_some(at)
}
