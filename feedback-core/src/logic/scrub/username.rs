//! Handles and logins: `@ana_lopez`, "my username is ana.lopez", "entro con ana77".

use super::{
    Label, Reading,
    cues::Cues,
    gazetteer::{self, Class},
    text::{is_code, is_uuid, is_version},
    view::{Claims, PLACEHOLDER, Seen, is_alnum},
    words::Word,
};

/// What stands after an at-sign and is nobody: everyone, annotations, media queries.
const EVERYONE: &[&[u8]] = &[
    b"here",
    b"channel",
    b"everyone",
    b"all",
    b"todos",
    b"todas",
    b"team",
    b"equipo",
    b"grupo",
    b"group",
    b"canal",
    b"media",
    b"param",
    b"return",
    b"returns",
    b"override",
    b"import",
    b"types",
    b"type",
    b"latest",
    b"next",
    b"deprecated",
    b"test",
    b"autowired",
    b"bean",
    b"component",
    b"keyframes",
    b"font-face",
    b"supports",
    b"apply",
    b"include",
    b"mixin",
    b"throws",
    b"see",
    b"author",
    b"since",
    b"staticmethod",
    b"classmethod",
    b"property",
    b"dataclass",
    b"soporte",
    b"support",
    b"oncall",
    b"dev",
    b"devs",
    b"ops",
    b"sales",
    b"ventas",
    b"engineering",
    b"admins",
    b"moderators",
    b"aqui",
    b"nullable",
    b"entity",
    b"table",
    b"column",
    b"transactional",
];

/// Folders of homes that are nobody's.
const SHARED_HOMES: &[&[u8]] = &[
    b"admin",
    b"administrator",
    b"all",
    b"app",
    b"circleci",
    b"default",
    b"deploy",
    b"ec2-user",
    b"git",
    b"guest",
    b"jenkins",
    b"linuxbrew",
    b"me",
    b"node",
    b"pi",
    b"postgres",
    b"public",
    b"publico",
    b"root",
    b"runner",
    b"shared",
    b"ubuntu",
    b"user",
    b"user1",
    b"username",
    b"usuario",
    b"vagrant",
    b"vscode",
    b"www",
    b"you",
    b"your-user",
    b"tu-usuario",
];

/// Services where a person has a handle; after one it takes a sign to announce it.
const SERVICES: &[&[u8]] = &[
    b"discord",
    b"telegram",
    b"instagram",
    b"insta",
    b"ig",
    b"twitter",
    b"tiktok",
    b"twitch",
    b"skype",
    b"snapchat",
    b"snap",
    b"steam",
    b"psn",
    b"xbox",
    b"github",
    b"gitlab",
    b"reddit",
    b"mastodon",
    b"bluesky",
    b"threads",
    b"venmo",
    b"cashapp",
];

/// Marks handles and logins.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let view = reading.view;
    for at in 0..if view.has_seen(Seen::AT) { view.len() } else { 0 } {
        if view.low[at] == b'@'
            && claims.is_free(at, at + 1)
            && !is_alnum(view.before(at))
            && !matches!(view.before(at), b'/' | b'.' | b'_' | b'@')
        {
            handle(reading, at, claims);
        }
    }
    for (index, word) in reading.words.all().iter().enumerate() {
        let low = &view.low[word.start..word.end];
        if matches!(view.byte(word.end), b'.' | b'_') {
            joined_name(reading, index, claims);
        }
        if matches!(view.before(word.start), b'/' | b'\\') && matches!(low, b"home" | b"users" | b"usuarios") {
            home(reading, word, claims);
        }
        if matches!(view.byte(word.end), b':' | b'=') && SERVICES.contains(&low) {
            login(reading, word.end, false, claims);
        }
        if word.cues.has(Cues::USER) {
            login(
                reading,
                word.end,
                !matches!(low, b"account" | b"alias" | b"owner" | b"reporter" | b"handle"),
                claims,
            );
        } else if matches!(low, b"as" | b"with" | b"con" | b"como") && index > 0 {
            // "logged in as ana77", "accedo con ana77".
            let enters = reading.words.before(word.start).take(2).any(|before| {
                matches!(
                    &view.low[before.start..before.end],
                    b"log"
                        | b"logged"
                        | b"logging"
                        | b"sign"
                        | b"signed"
                        | b"signing"
                        | b"accedo"
                        | b"conecto"
                        | b"conectado"
                        | b"registre"
                        | b"registrado"
                )
            });
            if enters {
                login(reading, word.end, true, claims);
            }
        }
    }
}

/// `/home/ana77/app`, `C:\Users\ana77`, `/Users/ana77`: whose folder it is.
fn home(reading: &Reading<'_>, word: &Word, claims: &mut Claims) {
    let view = reading.view;
    let slash = view.before(word.start);
    // "GET /users/settings" is a route: people's folders begin at a root, and those of macOS have a capital.
    let from = word.start - usize::from(word.start > 0);
    let rooted = match slash {
        b'\\' => view.before(from) == b':' || view.before(from) == b'\\',
        b'/' => {
            let opens = !is_alnum(view.before(from)) && !matches!(view.before(from), b'.' | b'/' | b'}' | b'~');
            let drive = view.before(from) == b':' && from >= 2 && view.low[from - 2].is_ascii_alphabetic();
            let capital = view.raw[word.start].is_ascii_uppercase();
            drive || opens && (&view.low[word.start..word.end] == b"home" || capital)
        }
        _ => return,
    };
    let mut start = word.end;
    while view.byte(start) == slash && start < word.end + 2 {
        start += 1;
    }
    let mut end = start;
    while is_alnum(view.byte(end)) || matches!(view.byte(end), b'_' | b'-' | b'.') {
        end += 1;
    }
    while end > start && matches!(view.low[end - 1], b'.' | b'-') {
        end -= 1;
    }
    // On a web server "/home/settings" is a page: a folder of a home has more below it, or ends the path of a shell.
    let below = view.byte(end) == slash || matches!(view.byte(end), b'#' | b'$' | b':') || slash == b'\\';
    let low = &view.low[start..end];
    let everyday = gazetteer::class(low).ordinary() == 2 && !gazetteer::class(low).is_name();
    if rooted && start > word.end && below && low.len() >= 2 && !everyday && !SHARED_HOMES.contains(&low) {
        claims.hide(start, end, Label::Username);
    }
}

/// "m.okafor", "billy_faber", "ana.ruiz": a person's two names made one word.
fn joined_name(reading: &Reading<'_>, index: usize, claims: &mut Claims) {
    let (view, words) = (reading.view, reading.words.all());
    let (first, Some(second)) = (words[index], words.get(index + 1)) else {
        return;
    };
    // An underscore is a letter of no word here: "billy_faber" are two.
    if second.start != first.end + 1 || !matches!(view.byte(first.end), b'.' | b'_') {
        return;
    }
    let bytes = |word: &Word| &view.low[word.start..word.end];
    let (given, surname) = (bytes(&first), bytes(second));
    let name = surname.len() - surname.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (given, surname) = (gazetteer::class(given), gazetteer::class(&surname[..name]));
    let announced = matches!(view.before(first.start), b':' | b'=')
        || view.low[..first.start].ends_with(b": ")
        || view.low[..first.start].ends_with(b" by ")
        // "lo subió t.muro", "asignado a t.muro".
        || view.before(first.start) == b' '
            && index.checked_sub(1).is_some_and(|before| {
                let doers = Cues::MET.or(Cues::SPEECH).or(Cues::USER).or(Cues::IS_ME).or(Cues::PARTY).or(Cues::ACTS);
                words[before].cues.has(doers)
            });
    let single = first.end - first.start == 1 && view.low[first.start].is_ascii_alphabetic();
    // "m.ozturk": in no list, but between spaces and small; "e.target" is in a dictionary.
    let between = matches!(view.before(first.start), 0 | b' ' | b'\n' | b'(')
        && matches!(view.byte(second.end), 0 | b' ' | b'\n' | b',' | b'.' | b')' | b'?');
    let unlisted = single
        && between
        && view.byte(first.end) == b'.'
        && name >= 5
        && surname == Class::default()
        && second.is_letters
        && !view.raw[second.start..second.end].iter().any(u8::is_ascii_uppercase);
    let named = unlisted
        || given.given() >= 2 && given.ordinary() < 2 && surname.surname() >= 1 && surname.ordinary() < 2
        || single
            && view.byte(first.end) == b'.'
            && surname.surname() >= 1
            && surname.ordinary() <= 1 + u8::from(announced);
    let beside = matches!(
        view.before(first.start),
        b'.' | b'_' | b'/' | b'-' | b'@' | b'#' | b'$' | b'\'' | b'%'
    ) || matches!(view.byte(second.end), b'_' | b'/' | b'(' | b'@' | b'-' | b'=' | b'%')
        || view.byte(second.end) == b'.' && is_alnum(view.byte(second.end + 1));
    // "A. Ruiz" and "a.Ruiz" are people's names, and "com.Garcia" is a class.
    let small = view.raw[first.start].is_ascii_lowercase() == view.raw[second.start].is_ascii_lowercase()
        && (!single || view.raw[first.start].is_ascii_lowercase() || reading.lower);
    if named && !beside && small && name >= 3 && claims.is_free(first.start, second.end) {
        claims.hide(first.start, second.end, Label::Username);
    }
}

fn handle(reading: &Reading<'_>, at: usize, claims: &mut Claims) {
    let view = reading.view;
    let mut end = at + 1;
    while is_alnum(view.byte(end)) || matches!(view.byte(end), b'_' | b'.' | b'-') {
        end += 1;
    }
    while end > at + 1 && matches!(view.low[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let name = &view.low[at + 1..end];
    let first = name
        .split(|&byte| matches!(byte, b'.' | b'-'))
        .next()
        .unwrap_or_default();
    let top = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let host = top.len() < name.len()
        && matches!(
            top,
            b"com" | b"es" | b"net" | b"org" | b"mx" | b"ar" | b"io" | b"co" | b"cl" | b"edu"
        );
    if name.len() < 2 || !is_alnum(name[0]) || name[0].is_ascii_digit() && !name.iter().any(u8::is_ascii_alphabetic) {
        return;
    }
    // "@typing.overload", "`@tf.function`": two words that open a line of a program.
    let opens_line = matches!(view.before(at), 0 | b'\n' | b'`');
    let decorates = opens_line
        && first.len() < name.len()
        && gazetteer::class(top).ordinary() > 0
        && !gazetteer::class(top).is_name()
        && !gazetteer::class(first).is_name();
    // "the decorator @Injectable", "el paquete @types": what stands before it says that it is of a program.
    let program = reading.words.before(at).next().is_some_and(|word| {
        at - word.end <= 2
            && matches!(
                &view.low[word.start..word.end],
                b"decorator"
                    | b"decorators"
                    | b"decorador"
                    | b"decoradores"
                    | b"annotation"
                    | b"annotations"
                    | b"anotacion"
                    | b"directive"
                    | b"directiva"
                    | b"macro"
                    | b"package"
                    | b"paquete"
                    | b"scope"
                    | b"module"
                    | b"modulo"
                    | b"import"
                    | b"keyword"
            )
    });
    if host
        || program
        || decorates
        || EVERYONE.contains(&name)
        || EVERYONE.contains(&first)
        || view.byte(end) == b'/'
        || view.byte(end) == b'('
        || view.low[end..].starts_with(b"://")
        || reading.allowed.has(name)
    {
        return claims.keep(at, end);
    }
    claims.hide(at, end, Label::Username);
}

/// The login that the word before `after` announces, if what follows looks like one; `alone` where it needs no sign.
fn login(reading: &Reading<'_>, after: usize, alone: bool, claims: &mut Claims) {
    let view = reading.view;
    let mut at = after;
    let mut sign = false;
    let mut verb = false;
    for _ in 0..4 {
        while matches!(view.byte(at), b' ' | b'"' | b'\'' | b':' | b'=' | b'(' | b'`' | b'<') {
            sign |= matches!(view.byte(at), b':' | b'=');
            at += 1;
        }
        let start = at;
        while at < view.len()
            && at < start + 64
            && !matches!(
                view.low[at],
                b' ' | b'\n' | b'"' | b'\'' | b',' | b';' | b')' | b'`' | b'>' | 0x02
            )
        {
            at += 1;
        }
        let mut end = at;
        while end > start && matches!(view.low[end - 1], b'.' | b':' | b'?' | b'!' | b'-') {
            end -= 1;
        }
        let low = &view.low[start..end];
        if matches!(
            low,
            b"is"
                | b"es"
                | b"con"
                | b"de"
                | b"name"
                | b"id"
                | b"el"
                | b"mi"
                | b"my"
                | b"as"
                | b"for"
                | b"para"
                | b"usuario"
                | b"user"
                | b"login"
                | b"account"
                | b"cuenta"
        ) && view.byte(at) == b' '
        {
            verb |= matches!(low, b"is" | b"es" | b"con" | b"as");
            continue;
        }
        if low.len() < 3
            || !is_alnum(low[0])
            || !claims.is_free(start, end)
            || low
                .iter()
                .any(|&byte| matches!(byte, b'/' | b'@' | b'=' | b'(' | b'{' | b'%' | b'$'))
            || low.windows(2).any(|pair| pair == b"::")
        {
            return;
        }
        // "login is crios / …": a word that a password stands beside.
        let paired = verb && view.low[end..].starts_with(b" / ") && low.iter().all(u8::is_ascii_alphanumeric);
        // "failed login for green-grace from 203.0.113.9": a line of a log, whatever the words are.
        let logged = view.low[end..].starts_with(b" from ")
            && (view.byte(end + 6).is_ascii_digit()
                || view.byte(end + 6) == PLACEHOLDER && view.raw[end + 6] == Label::Ip as u8);
        if (paired || logged || looks_like_login(low, sign, verb, alone)) && !reading.allowed.has(low) {
            claims.hide(start, end, Label::Username);
            password_beside(reading, end, claims);
        }
        return;
    }
}

/// "login is ana77 / Perro2089!": what is joined to a login by a slash or a colon and is no word opens it.
fn password_beside(reading: &Reading<'_>, login: usize, claims: &mut Claims) {
    let view = reading.view;
    let start = match view.low.get(login..login + 3) {
        Some(b" / " | b" : " | b" - " | b" | ") => login + 3,
        Some([b'/' | b':' | b'|', ..]) => login + 1,
        _ => return,
    };
    let length = (start..start + 40)
        .take_while(|&at| !matches!(view.byte(at), 0 | 0x02 | b' ' | b'\n' | b',' | b';' | b')' | b'"'))
        .count();
    let mut end = start + length;
    while end > start && matches!(view.low[end - 1], b'.' | b'?') {
        end -= 1;
    }
    let value = &view.low[start..end];
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if value.len() >= 5 && letters > 0 && letters < value.len() && !is_version(value) && !is_code(value) {
        claims.hide(start, end, Label::Secret);
    }
}

fn looks_like_login(low: &[u8], sign: bool, verb: bool, alone: bool) -> bool {
    let letters = low.iter().filter(|&&byte| byte.is_ascii_alphabetic()).count();
    let digits = low.iter().filter(|byte| byte.is_ascii_digit()).count();
    if letters < 2
        || is_code(low)
            && !low.iter().any(|&byte| matches!(byte, b'_' | b'.'))
            && low.len() < 7
            && digits * 2 >= low.len()
        || is_version(low)
        || is_uuid(low)
    {
        return false;
    }
    let parts = || {
        low.split(|byte| matches!(byte, b'.' | b'_' | b'-'))
            .filter(|part| !part.is_empty())
    };
    let joined = parts().count() > 1;
    let words = parts().all(|part| {
        gazetteer::class(part).ordinary() == 2 || part.len() == 1 || Cues::of(part).has(Cues::ORDER.or(Cues::KEY))
    });
    let file = low.rsplit(|&byte| byte == b'.').next().is_some_and(|end| {
        matches!(
            end,
            b"csv"
                | b"pdf"
                | b"xlsx"
                | b"xls"
                | b"json"
                | b"png"
                | b"jpg"
                | b"txt"
                | b"com"
                | b"zip"
                | b"doc"
                | b"docx"
                | b"xml"
        )
    });
    if file && joined {
        return false;
    }
    // "angel.casas": both are words, and both are names.
    if let [first, second] = parts().take(3).collect::<Vec<_>>()[..] {
        let (first, second) = (gazetteer::class(first), gazetteer::class(second));
        let person = |given: Class, surname: Class| given.given() >= 2 && surname.surname() >= 1;
        let names = |class: Class| class.is_name() && class.ordinary() < 2;
        if sign && first.is_name() && second.is_name()
            || person(first, second)
            || second.ordinary() < 2 && person(second, first)
            || names(first) && names(second)
        {
            return true;
        }
    }
    if digits > 0 || low.contains(&b'_') || low.contains(&b'.') {
        return !words || low.contains(&b'_') && digits > 0;
    }
    let ordinary = gazetteer::class(low).ordinary() > 0 || words;
    // "gbates": an initial glued to a surname.
    if low.len() >= 5 && !ordinary && gazetteer::class(low) == Class::default() {
        let surname = gazetteer::class(&low[1..]);
        if surname.surname() > 0 && surname.ordinary() == 0 {
            return true;
        }
    }
    // "username jpage": no word of any language, and no name.
    // "el login loopea": a verb that Spanish made of an English one.
    let verb_made = [&b"ea"[..], b"ean", b"eaba", b"eando"]
        .iter()
        .any(|end| low.ends_with(end));
    let unknown =
        alone && !verb_made && low.len() >= 4 && gazetteer::class(low) == Class::default() && !low.contains(&b'-');
    unknown || (sign && !ordinary) || (verb && !ordinary && low.len() >= 4) || (joined && !ordinary)
}
