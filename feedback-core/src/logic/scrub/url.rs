//! Links: the host, the path and harmless parameters stay readable; what opens something is hidden.

use super::{
    Label, Reading, gazetteer,
    text::{is_identifier, is_random, is_uuid},
    view::{Claims, View},
};

/// Words in a path after which the next parts open something.
const OPENERS: &[&[u8]] = &[
    b"reset",
    b"token",
    b"session",
    b"sessions",
    b"verify",
    b"verification",
    b"confirm",
    b"confirmation",
    b"invite",
    b"invitation",
    b"magic",
    b"magic-link",
    b"activate",
    b"activation",
    b"auth",
    b"hook",
    b"hooks",
    b"webhook",
    b"webhooks",
    b"catch",
    b"services",
    b"unsubscribe",
    b"share",
    b"shared",
    b"s",
    b"password",
    b"recover",
    b"recovery",
    b"restablecer",
    b"verificar",
    b"confirmar",
    b"invitacion",
    b"activar",
    b"recuperar",
    b"join",
    b"signin",
    b"login",
    b"sso",
    b"callback",
    b"download",
    b"private",
    b"secret",
    b"reset-password",
    b"password-reset",
    b"compartir",
    b"invitar",
    b"d",
    b"link",
    b"l",
    b"access",
    b"acceso",
    b"in",
    b"incoming",
    b"webhookb2",
    b"workflows",
    b"triggers",
    b"key",
    b"sign",
    b"pay",
    b"checkout",
    b"e",
    b"t",
];

/// Parts of a path after which a digest is only a name of something public.
const PUBLIC: &[&[u8]] = &[
    b"commit",
    b"commits",
    b"tree",
    b"blob",
    b"issues",
    b"pull",
    b"sha",
    b"docs",
    b"merge_requests",
    b"tickets",
    b"orders",
    b"pedidos",
];

/// A parameter opens something when its name holds one of these.
const SECRET_PARAMETERS: &[&[u8]] = &[
    b"token",
    b"key",
    b"sig",
    b"secret",
    b"auth",
    b"pass",
    b"pwd",
    b"session",
    b"sid",
    b"ticket",
    b"otp",
    b"jwt",
    b"invite",
    b"nonce",
    b"credential",
    b"code",
    b"hash",
    b"clave",
    b"bearer",
    b"magic",
    b"access",
    b"hmac",
    b"pin",
    b"tkn",
    b"assertion",
    b"samlresponse",
];

/// Marks what opens something in every link, and keeps the rest from the other finders.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let view = reading.view;
    let mut at = 0;
    while at < view.len() {
        if ends_chunk(view.low[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < view.len() && !ends_chunk(view.low[at]) {
            at += 1;
        }
        chunk(view, start, at, claims);
    }
}

fn ends_chunk(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n' | b'<' | b'>' | b'"' | b'`' | b'|' | b'{' | b'}' | b'^' | b'\\' | 0x01 | 0x02
    )
}

fn chunk(view: &View<'_>, start: usize, mut end: usize, claims: &mut Claims) {
    while end > start
        && matches!(
            view.low[end - 1],
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'\'' | b'*'
        )
    {
        end -= 1;
    }
    let part = &view.low[start..end];
    let Some(slash) = part.iter().position(|&byte| matches!(byte, b'/' | b'?')) else {
        return;
    };
    if let Some(colon) = part.windows(3).position(|window| window == b"://") {
        let mut from = start + colon;
        while from > start && (view.low[from - 1].is_ascii_alphanumeric() || view.low[from - 1] == b'+') {
            from -= 1;
        }
        return link(view, from, start + colon + 3, end, claims);
    }
    let mut from = start;
    while from < start + slash && !view.low[from].is_ascii_alphanumeric() {
        from += 1;
    }
    // "url=my.example.com/x": what stands before the host is not part of it.
    if let Some(sign) = view.low[from..start + slash]
        .iter()
        .rposition(|&byte| matches!(byte, b'=' | b':' | b'(' | b','))
        && !view.low[from + sign + 1..start + slash].iter().all(u8::is_ascii_digit)
    {
        from += sign + 1;
    }
    if is_host(&view.low[from..start + slash]) {
        link(view, from, from, end, claims);
    }
}

/// `my.example.com`, with or without a port.
fn is_host(bytes: &[u8]) -> bool {
    let host = bytes.split(|&byte| byte == b':').next().unwrap_or(bytes);
    let mut labels = host.rsplit(|&byte| byte == b'.');
    let top = labels.next().unwrap_or_default();
    (2..=12).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
        && host.len() > top.len() + 1
        && host
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && labels.all(|label| !label.is_empty())
}

/// One link: `from` its scheme, `host` its authority.
fn link(view: &View<'_>, from: usize, host: usize, end: usize, claims: &mut Claims) {
    let low = &view.low;
    let path = (host..end)
        .find(|&at| matches!(low[at], b'/' | b'?' | b'#'))
        .unwrap_or(end);
    let mut name = host;
    if let Some(at) = low[host..path].iter().rposition(|&byte| byte == b'@') {
        name = host + at + 1;
        match low[host..host + at].iter().position(|&byte| byte == b':') {
            Some(colon) => {
                claims.hide(host, host + colon, Label::Username);
                claims.hide(host + colon + 1, host + at, Label::Secret);
            }
            None => claims.hide(host, host + at, Label::Username),
        }
        claims.keep(from, name);
    }
    claims.keep(from, host);
    let bare = low[name..path].strip_prefix(b"www.").unwrap_or(&low[name..path]);
    if low[name..path].iter().any(u8::is_ascii_alphabetic) {
        claims.keep(name, path);
    }
    let query = (path..end).find(|&at| matches!(low[at], b'?' | b'#')).unwrap_or(end);
    segments(view, bare, path, query, claims);
    parameters(view, query, end, claims);
}

fn segments(view: &View<'_>, host: &[u8], start: usize, end: usize, claims: &mut Claims) {
    let low = &view.low;
    let profile = matches!(host, b"t.me" | b"instagram.com" | b"wa.me");
    let hook = host.starts_with(b"hooks.") || host.starts_with(b"hook.") || host.starts_with(b"webhook.");
    let mut opener = hook;
    let mut previous: &[u8] = b"";
    let mut hidden: Option<(usize, usize)> = None;
    let mut at = start;
    while at < end {
        if low[at] == b'/' {
            at += 1;
            continue;
        }
        let stop = (at..end).find(|&stop| low[stop] == b'/').unwrap_or(end);
        let segment = &low[at..stop];
        if profile || (host.ends_with(b"linkedin.com") && previous == b"in") {
            let label = if segment.iter().all(|byte| byte.is_ascii_digit() || *byte == b'+') {
                Label::Phone
            } else {
                Label::Username
            };
            claims.hide(at, stop, label);
            break;
        }
        if holds_address(segment) {
            hidden = hidden.inspect(|&(from, to)| claims.hide(from, to, Label::UrlToken));
            previous = segment;
            at = stop;
            continue;
        }
        let digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
        let mixed = digits > 0 && digits < segment.len();
        let opens = if opener {
            !segment.contains(&b'.')
                && !is_title(segment)
                && !is_identifier(&view.raw[at..stop])
                && segment.len() >= 6
                && (mixed
                    || is_random(&view.raw[at..stop])
                    || (segment.len() >= 16 && digits < segment.len() && !is_slug(segment)))
                || segment.starts_with(b"eyj") && segment.len() >= 16
                || hook
                    && segment.len() >= 6
                    && gazetteer::class(segment).ordinary() == 0
                    && !OPENERS.contains(&segment)
                    && digits < segment.len()
                    && segment.iter().all(u8::is_ascii_alphanumeric)
        } else {
            !PUBLIC.contains(&previous)
                && segment.len() >= 20
                && !is_uuid(segment)
                && !is_asset(segment)
                && is_random(&view.raw[at..stop])
        };
        if opens {
            hidden = Some((hidden.map_or(at, |(from, _)| from), stop));
        }
        opener |= OPENERS.contains(&segment);
        previous = segment;
        at = stop;
    }
    if let Some((from, to)) = hidden {
        claims.hide(from, to, Label::UrlToken);
    }
    keep_all_but_addresses(view, start, end, b'/', claims);
}

/// A picture, a style, a script: what a page shows to everybody.
fn is_asset(segment: &[u8]) -> bool {
    segment.iter().rposition(|&byte| byte == b'.').is_some_and(|dot| {
        matches!(
            &segment[dot + 1..],
            b"png"
                | b"jpg"
                | b"jpeg"
                | b"gif"
                | b"svg"
                | b"webp"
                | b"ico"
                | b"css"
                | b"js"
                | b"woff2"
                | b"mp4"
                | b"html"
        )
    })
}

/// Words joined by dashes: a title, not a key.
fn is_slug(segment: &[u8]) -> bool {
    segment
        .split(|&byte| matches!(byte, b'-' | b'_'))
        .all(|word| word.len() <= 14 && word.iter().all(u8::is_ascii_alphabetic))
}

/// A title with a number in it: "image2blob-in-c-and-python".
fn is_title(segment: &[u8]) -> bool {
    let words = segment.split(|&byte| byte == b'-');
    let (all, plain) = words.fold((0, 0), |(all, plain), word| {
        let letters = !word.is_empty() && word.iter().all(u8::is_ascii_alphabetic);
        (
            all + 1,
            plain + usize::from(letters && (word.len() < 3 || gazetteer::class(word).ordinary() > 0)),
        )
    });
    all >= 4 && plain * 4 >= all * 3
}

fn parameters(view: &View<'_>, start: usize, end: usize, claims: &mut Claims) {
    let low = &view.low;
    let mut at = start;
    while at < end {
        if matches!(low[at], b'?' | b'#' | b'&' | b';') {
            at += 1;
            continue;
        }
        let stop = (at..end)
            .find(|&stop| matches!(low[stop], b'&' | b'#' | b';'))
            .unwrap_or(end);
        let sign = (at..stop).find(|&sign| low[sign] == b'=');
        let (name, value) = sign.map_or((&low[at..at], at), |sign| (&low[at..sign], sign + 1));
        let text = &low[value..stop];
        if !holds_address(text) {
            let telling = SECRET_PARAMETERS
                .iter()
                .any(|word| name.windows(word.len()).any(|window| window == *word));
            let secret = (telling && opens(name, text, &view.raw[value..stop]))
                || (text.len() >= 20
                    && !name.starts_with(b"utm")
                    && !is_uuid(text)
                    && is_random(&view.raw[value..stop]))
                || (text.starts_with(b"eyj") && text.len() >= 20);
            if secret {
                claims.hide(value, stop, Label::UrlToken);
            } else if matches!(name, b"user" | b"username" | b"usuario" | b"login")
                && text.len() >= 3
                && !text.iter().all(u8::is_ascii_digit)
            {
                claims.hide(value, stop, Label::Username);
            } else if matches!(name, b"phone" | b"tel" | b"telefono" | b"mobile" | b"celular") && text.len() >= 7 {
                claims.hide(value, stop, Label::Phone);
            }
        }
        at = stop;
    }
    keep_all_but_addresses(view, start, end, b'&', claims);
}

/// Whether the value of a parameter whose name tells of a secret is one: `code=xK3…` is, `code=ES` and `state=ok` are not.
fn opens(name: &[u8], low: &[u8], raw: &[u8]) -> bool {
    let digits = low.iter().filter(|byte| byte.is_ascii_digit()).count();
    let password = name.starts_with(b"pass") || name.starts_with(b"pwd") || name == b"clave";
    (password && low.len() >= 3)
        || low.len() >= 16
        || (low.len() >= 6 && digits > 0)
        || (low.len() >= 8 && raw.iter().any(u8::is_ascii_uppercase) && raw.iter().any(u8::is_ascii_lowercase))
}

fn holds_address(bytes: &[u8]) -> bool {
    bytes.contains(&b'@') || bytes.windows(3).any(|window| window == b"%40")
}

/// Leaves parts with an address in them to the email finder.
fn keep_all_but_addresses(view: &View<'_>, start: usize, end: usize, separator: u8, claims: &mut Claims) {
    let mut at = start;
    while at < end {
        let stop = (at + 1..end).find(|&stop| view.low[stop] == separator).unwrap_or(end);
        if !holds_address(&view.low[at..stop]) {
            claims.keep(at, stop);
        }
        at = stop;
    }
}
