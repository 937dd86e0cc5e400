//! Keys, tokens and passwords: known by how they begin, or by the word before them.

use super::{
    Label, Reading,
    cues::Cues,
    gazetteer,
    text::{is_code, is_identifier, is_random, is_uuid, is_version},
    view::{Claims, View, is_alnum},
    words::Word,
};

/// How keys of known makers begin, and how many characters at least follow.
const PREFIXES: &[(&[u8], usize)] = &[
    (b"sk-", 16),
    (b"sk_live_", 8),
    (b"sk_test_", 8),
    (b"pk_live_", 8),
    (b"pk_test_", 8),
    (b"rk_live_", 8),
    (b"rk_test_", 8),
    (b"whsec_", 8),
    (b"xoxb-", 8),
    (b"xoxp-", 8),
    (b"xoxa-", 8),
    (b"xoxe-", 8),
    (b"xoxs-", 8),
    (b"xapp-", 8),
    (b"ghp_", 12),
    (b"gho_", 12),
    (b"ghu_", 12),
    (b"ghs_", 12),
    (b"ghr_", 12),
    (b"github_pat_", 12),
    (b"glpat-", 10),
    (b"akia", 12),
    (b"asia", 16),
    (b"aiza", 20),
    (b"ya29.", 12),
    (b"sg.", 20),
    (b"key-", 20),
    (b"secret_", 16),
    (b"ntn_", 12),
    (b"npm_", 16),
    (b"pypi-", 12),
    (b"dop_v1_", 12),
    (b"shpat_", 12),
    (b"shpss_", 12),
    (b"sq0atp-", 8),
    (b"sq0csp-", 8),
    (b"hf_", 16),
    (b"gsk_", 16),
    (b"hvs.", 12),
    (b"lin_api_", 8),
    (b"sntrys_", 8),
    (b"rzp_live_", 8),
    (b"rzp_test_", 8),
    (b"app_usr-", 12),
    (b"app-usr-", 12),
    (b"eaa", 40),
    (b"1//0", 20),
    (b"sl.", 40),
    (b"glsa_", 12),
    (b"phc_", 16),
    (b"figd_", 12),
    (b"dapi", 28),
    (b"pat-", 20),
    (b"nfp_", 16),
    (b"vercel_", 16),
    (b"tok_", 12),
    (b"cus_key_", 8),
    (b"live_", 20),
    (b"test_", 24),
    (b"ac_", 24),
    (b"bot", 30),
    (b"sbp_", 16),
    (b"re_", 20),
    (b"r8_", 20),
];

/// Words that stand after "password is" and are none.
const STATES: &[&[u8]] = &[
    b"required",
    b"incorrect",
    b"incorrecta",
    b"incorrecto",
    b"invalid",
    b"invalida",
    b"wrong",
    b"expired",
    b"expirada",
    b"vencida",
    b"null",
    b"none",
    b"optional",
    b"hidden",
    b"correct",
    b"correcta",
    b"weak",
    b"debil",
    b"new",
    b"nueva",
    b"old",
    b"reset",
    b"not",
    b"no",
    b"bad",
    b"undefined",
    b"true",
    b"false",
    b"missing",
    b"obligatoria",
    b"mala",
    b"distinta",
    b"segura",
    b"temporal",
    b"the",
    b"la",
    b"el",
    b"a",
    b"demasiado",
    b"too",
    b"forgotten",
    b"blocked",
    b"bloqueada",
    b"still",
    b"always",
    b"never",
    b"n/a",
    b"changed",
    b"cambiada",
    b"empty",
];

/// What stands before "code" where it opens something: "backup code", "código de respaldo".
const OPENING: &[&[u8]] = &[
    b"backup",
    b"recovery",
    b"rescue",
    b"2fa",
    b"mfa",
    b"authenticator",
    b"respaldo",
    b"recuperacion",
    b"rescate",
    b"emergencia",
];

/// Marks keys, tokens and passwords.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    private_keys(reading.view, claims);
    by_shape(reading, claims);
    for word in reading.words.all() {
        if word.cues.has(Cues::PASSWORD.or(Cues::KEY)) {
            after_cue(reading, word, claims);
        } else if OPENING.contains(&&reading.view.low[word.start..word.end]) {
            opening_code(reading, word, claims);
        }
    }
}

/// "backup code 8QF2-77KD-PL09", "códigos de respaldo: 4821-9930".
fn opening_code(reading: &Reading<'_>, word: &Word, claims: &mut Claims) {
    let view = reading.view;
    let is_code_word = |word: &Word| {
        matches!(
            &view.low[word.start..word.end],
            b"code" | b"codes" | b"codigo" | b"codigos" | b"key" | b"phrase"
        )
    };
    let mut last = word.end;
    let mut announced = reading.words.before(word.start).take(2).any(is_code_word);
    for next in reading.words.after(word.end).take(5) {
        let gap = &view.low[last..next.start];
        if gap.len() > 3 || gap.iter().any(|byte| matches!(byte, b'\n' | b'?' | b'!')) {
            return;
        }
        announced |= is_code_word(next);
        let mut end = next.end;
        while view.byte(end) == b'-' && is_alnum(view.byte(end + 1)) || is_alnum(view.byte(end)) {
            end += 1;
        }
        let low = &view.low[next.start..end];
        let digits = low.iter().filter(|byte| byte.is_ascii_digit()).count();
        if announced && low.len() >= 6 && digits > 1 && claims.is_free(next.start, end) {
            return claims.hide(next.start, end, Label::Secret);
        }
        last = next.end;
    }
}

/// What stands between the lines of a key in PEM form; all that follows where the end is missing.
fn private_keys(view: &View<'_>, claims: &mut Claims) {
    let mut at = 0;
    while let Some(begin) = position(&view.low[at..], b"-----begin").map(|begin| at + begin) {
        let head = begin + 10;
        let body = position(&view.low[head..], b"-----").map_or(view.len(), |dashes| head + dashes + 5);
        let end = position(&view.low[body..], b"-----end").map_or(view.len(), |end| body + end);
        claims.hide(body, end, Label::Secret);
        at = end.max(begin + 10);
    }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'+' | b'~')
}

/// Tokens that speak for themselves.
fn by_shape(reading: &Reading<'_>, claims: &mut Claims) {
    let view = reading.view;
    let mut at = 0;
    while at < view.len() {
        if !is_key_byte(view.low[at]) {
            at += 1;
            continue;
        }
        let mut start = at;
        while at < view.len() && is_key_byte(view.low[at]) {
            at += 1;
        }
        let mut end = at;
        while end > start && matches!(view.low[end - 1], b'.' | b'-' | b'/') {
            end -= 1;
        }
        while start < end && matches!(view.low[start], b'.' | b'-' | b'/') {
            start += 1;
        }
        if end - start < 12 || !claims.is_free(start, end) {
            continue;
        }
        let (low, raw) = (&view.low[start..end], &view.raw[start..end]);
        let known = PREFIXES.iter().any(|(prefix, rest)| {
            low.strip_prefix(*prefix)
                .is_some_and(|key| key.len() >= *rest && is_drawn(key) && !key.contains(&b' '))
        });
        let jwt = low.starts_with(b"eyj") && low.len() >= 20;
        let cased = raw.iter().any(u8::is_ascii_uppercase) && raw.iter().any(u8::is_ascii_lowercase);
        let unknown = low.len() >= 30
            && cased
            && is_random(raw)
            && !is_uuid(low)
            && !low.starts_with(b"sha")
            && !low.contains(&b'/')
            && !is_identifier(raw);
        let cue = || {
            reading
                .words
                .distance(view, start, Cues::KEY.or(Cues::PASSWORD), 4)
                .is_some()
        };
        if known
            || jwt
            || unknown
            || (low.len() >= 16 && (is_random(raw) || is_uuid(low)) && !is_code(low) && !is_identifier(raw) && cue())
        {
            while view.byte(end) == b'=' {
                end += 1;
            }
            claims.hide(start, end, Label::Secret);
        }
    }
}

/// No password is longer; without a limit a text of cues alone would be read once for each of them.
const MAX_VALUE: usize = 200;

/// How sure the words before a value are that it is one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Nothing between cue and value.
    Beside,
    /// "is", "es".
    Verb,
    /// `:` or `=`.
    Sign,
    /// A clause: "la contraseña que me mandaron, kT9#vv2LqE".
    Clause,
}

/// What a word like "password" or "token" announces: `clave P@ss1`, `password for the wifi is x9!`, `secret: 82f8…`.
fn after_cue(reading: &Reading<'_>, cue: &Word, claims: &mut Claims) {
    let view = reading.view;
    let mut link = Link::Beside;
    let mut at = cue.end;
    for step in 0..8 {
        // The gap up to the next token may hold the sign.
        while matches!(
            view.byte(at),
            b' ' | b'"' | b'\'' | b':' | b'=' | b'>' | b'(' | b'[' | b',' | b'*' | b'`'
        ) {
            if matches!(view.byte(at), b':' | b'=' | b'>') {
                link = Link::Sign;
            } else if view.byte(at) == b',' && link == Link::Beside {
                return;
            }
            at += 1;
        }
        if link == Link::Beside && view.byte(at) == b'-' && view.byte(at + 1) == b'>' {
            link = Link::Sign;
            at += 2;
            continue;
        }
        if link == Link::Beside && step == 0 && view.byte(at) == b'_' {
            // "API_KEY=": the cue is part of a longer name.
            while is_alnum(view.byte(at)) || view.byte(at) == b'_' {
                at += 1;
            }
            if !matches!(view.byte(at), b'=' | b':' | b' ') {
                return;
            }
            continue;
        }
        let quote = matches!(view.before(at), b'"' | b'\'' | b'`').then(|| view.before(at));
        let start = at;
        while at < view.len()
            && at < start + MAX_VALUE
            && !matches!(view.low[at], b' ' | b'\n' | 0x02)
            && Some(view.low[at]) != quote
        {
            at += 1;
        }
        if start == at {
            return;
        }
        let mut end = at;
        while end > start
            && matches!(
                view.low[end - 1],
                b'.' | b',' | b';' | b':' | b'?' | b')' | b']' | b'"' | b'\'' | b'}' | b'`'
            )
        {
            end -= 1;
        }
        let low = &view.low[start..end];
        if link == Link::Beside
            && matches!(
                low,
                b"is" | b"es" | b"was" | b"era" | b"sera" | b"seria" | b"pone" | b"puse" | b"being"
            )
        {
            link = Link::Verb;
            continue;
        }
        if end > start && is_secret(reading, cue, start, end, link, quote.is_some()) {
            return claims.hide(start, end, Label::Secret);
        }
        let ends = matches!(view.byte(end), b'.' | b'?' | b';' | b')') || view.byte(at) == b'\n';
        if link == Link::Beside && view.byte(end) == b',' && step > 0 {
            link = Link::Clause;
        } else if link != Link::Beside || view.byte(end) == b',' || ends || step == 6 {
            return;
        }
    }
}

fn is_secret(reading: &Reading<'_>, cue: &Word, start: usize, end: usize, link: Link, quoted: bool) -> bool {
    let (low, raw) = (&reading.view.low[start..end], &reading.view.raw[start..end]);
    let digits = low.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = low.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let symbols = low
        .iter()
        .filter(|byte| {
            matches!(
                byte,
                b'@' | b'$' | b'!' | b'%' | b'*' | b'#' | b'&' | b'^' | b'~' | b'?' | b'+' | b'_'
            )
        })
        .count();
    let capital_inside = raw.iter().skip(1).any(u8::is_ascii_uppercase) && raw.iter().any(u8::is_ascii_lowercase);
    if STATES.contains(&low) || is_version(low) || low.contains(&0x02) || low.windows(2).any(|pair| pair == b"//") {
        return false;
    }
    // "pass*****": already masked.
    if low.iter().all(|byte| matches!(byte, b'*' | b'.' | b'x' | b'#' | b'-')) {
        return false;
    }
    if !cue.cues.has(Cues::PASSWORD) {
        let long = low.len() >= 16 && (is_random(raw) || is_uuid(low)) && !is_identifier(raw);
        return match link {
            Link::Beside | Link::Clause => long && !is_code(low),
            Link::Verb => {
                long || (low.len() >= 8 && digits > 0 && letters > 0 && !is_code(low))
                    || (low.len() >= 4 && digits == low.len() && low.len() <= 8 && is_one_time(reading, cue))
            }
            Link::Sign => {
                long || (low.len() >= 6 && digits > 0 && !is_code(low))
                    || (low.len() >= 12 && letters > 0 && capital_inside && !is_identifier(raw))
                    || (quoted && low.len() >= 6)
            }
        };
    }
    let mixed = (digits > 0 && letters > 0)
        || (symbols > 0 && letters > 0 && !low.ends_with(b"!"))
        || (capital_inside && low.len() >= 6);
    match link {
        Link::Beside => {
            low.len() >= 5
                && mixed
                && (!is_code(low) || raw.iter().any(u8::is_ascii_lowercase) && !low.contains(&b'-'))
                && !low.contains(&b'/')
                && letters > 1
                && !(symbols == 0 && digits > 0 && low[0].is_ascii_digit())
                // "Pass the OrderContext": the cue is a verb here.
                && !(is_identifier(raw) && &reading.view.low[cue.start..cue.end] == b"pass")
        }
        Link::Clause => {
            low.len() >= 8
                && digits > 0
                && letters > 1
                && capital_inside
                && !low.contains(&b'/')
                && !is_identifier(raw)
                && (symbols > 0 || !is_code(low))
        }
        Link::Verb => {
            low.len() >= 4
                && (mixed
                    || quoted
                    || digits == low.len()
                    || (letters == low.len()
                        && gazetteer::class(low).ordinary() == 0
                        && low.len() >= 5
                        && !is_alnum(reading.view.byte(end + 1))))
        }
        Link::Sign => {
            low.len() >= 3 && (mixed || quoted || digits == low.len() || gazetteer::class(low).ordinary() != 2)
        }
    }
}

fn is_one_time(reading: &Reading<'_>, cue: &Word) -> bool {
    &reading.view.low[cue.start..cue.end] == b"otp"
}
/// Whether the rest of a key was drawn and not typed: it has a digit, or is too long to be a name in one word.
fn is_drawn(key: &[u8]) -> bool {
    key.iter().any(u8::is_ascii_digit) || (key.len() >= 20 && !key.contains(&b'_') && !key.contains(&b'-'))
}
