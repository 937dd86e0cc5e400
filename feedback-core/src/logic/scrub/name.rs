//! Names of people: what the lists say of a word, what stands beside it, and what was found already.
//!
//! Every word gets a score in points; [`ENOUGH`] makes it a name. Lists alone carry a common name, a cue ("soy", "Dear",
//! "on behalf of") carries a word that no list has, and a place or a product beside it pulls down. A found name then
//! grows over the words that belong to it and is looked for again in the rest of the message.

use std::collections::HashSet;

use super::{
    Label, Reading,
    cues::Cues,
    gazetteer::{self, Class},
    view::{Claims, PLACEHOLDER, is_letter},
    words::Word,
};

/// Points that make a word a name.
const ENOUGH: i32 = 30;
/// Points of a cue after which nearly any word is a name.
const STRONG: i32 = 38;

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Title,
    Upper,
}

/// What is known of one word before its neighbours are looked at.
#[derive(Debug, Clone, Copy)]
struct Trait {
    word: Word,
    class: Class,
    case: Case,
    /// Letters only, and free to take.
    eligible: bool,
    /// First of a sentence or line.
    opens: bool,
    /// 2 in a phrase that stays, 1 a word that stays.
    allowed: u8,
}

/// Marks names.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let finder = Finder::new(reading, claims);
    let count = finder.traits.len();
    let mut hidden = vec![false; count];
    let mut at = 0;
    while at < count {
        if hidden[at] || !finder.traits[at].eligible {
            at += 1;
            continue;
        }
        let cue = finder.cue(at);
        if finder.base(at) + finder.neighbours(at) + cue >= ENOUGH {
            let (from, to) = finder.grow(at, cue >= STRONG);
            hidden[from..to].fill(cue >= STRONG || !finder.names_thing(to));
            at = to;
        } else {
            at += 1;
        }
    }
    finder.lists(&mut hidden);
    finder.second_look(&mut hidden);
    finder.hide(&hidden, claims);
}

/// Towns that bear a person's name: after "de" or "from" they are towns.
const TOWNS: &[&[u8]] = &[
    b"rosario",
    b"mendoza",
    b"trujillo",
    b"charlotte",
    b"virginia",
    b"georgia",
    b"carolina",
    b"victoria",
    b"mercedes",
    b"trinidad",
    b"santiago",
    b"valencia",
    b"leon",
    b"merida",
    b"florida",
    b"guadalupe",
    b"concepcion",
    b"asuncion",
    b"dolores",
    b"lourdes",
    b"jordan",
    b"israel",
    b"kenya",
    b"madison",
    b"jackson",
    b"lincoln",
    b"florence",
    b"adelaide",
    b"sydney",
    b"chelsea",
    b"brooklyn",
    b"savannah",
    b"cheyenne",
    b"montgomery",
    b"irving",
    b"garland",
    b"hamilton",
    b"windsor",
    b"florencia",
    b"pilar",
    b"lujan",
    b"escobar",
    b"linares",
    b"celaya",
    b"reynosa",
    b"coronado",
    b"juarez",
];

fn is_town(word: &[u8]) -> bool {
    TOWNS.contains(&word)
}

struct Finder<'r, 't> {
    reading: &'r Reading<'t>,
    traits: Vec<Trait>,
}

impl<'r, 't> Finder<'r, 't> {
    fn new(reading: &'r Reading<'t>, claims: &Claims) -> Self {
        let (view, words) = (reading.view, reading.words.all());
        let mut traits: Vec<Trait> = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let low = &view.low[word.start..word.end];
            let raw = &view.raw[word.start..word.end];
            let letters = low.iter().all(|&byte| is_letter(byte)) && low.len() <= 24;
            let case = match raw {
                [first, rest @ ..]
                    if first.is_ascii_uppercase() && !rest.is_empty() && rest.iter().all(u8::is_ascii_uppercase) =>
                {
                    Case::Upper
                }
                [first, ..] if first.is_ascii_uppercase() || *first >= 0x80 => Case::Title,
                _ => Case::Lower,
            };
            let identifier = matches!(view.before(word.start), b'_' | b'#' | b'$' | b'/' | b'\\')
                || matches!(view.byte(word.end), b'_' | b'(' | b'/' | b'=' | b'\\')
                || (view.byte(word.end) == b'.'
                    && super::view::is_alnum(view.byte(word.end + 1))
                    && case == Case::Lower)
                || (view.before(word.start) == b'.'
                    && word.start >= 2
                    && super::view::is_alnum(view.low[word.start - 2])
                    && case == Case::Lower);
            let contraction = view.byte(word.end) == b'\''
                && words.get(index + 1).is_some_and(|next| {
                    next.start == word.end + 1
                        && matches!(
                            &view.low[next.start..next.end],
                            b"t" | b"ll" | b"ve" | b"re" | b"d" | b"m"
                        )
                });
            let gap = index
                .checked_sub(1)
                .map_or(&b"\n"[..], |before| &view.low[words[before].end..word.start]);
            let opens = gap.iter().any(|byte| {
                matches!(
                    byte,
                    b'.' | b'!' | b'?' | b'\n' | b':' | b';' | b'"' | b'>' | b'|' | b'*' | b'('
                )
            });
            traits.push(Trait {
                word: *word,
                class: if letters {
                    gazetteer::class(low)
                } else {
                    Class::default()
                },
                case,
                eligible: letters
                    && low.len() >= 2
                    && !contraction
                    && !identifier
                    && claims.is_free(word.start, word.end),
                opens,
                allowed: u8::from(letters && reading.allowed.has(low)),
            });
        }
        let mut at = 0;
        while at < traits.len() {
            let text = |ahead: usize| {
                traits
                    .get(at + ahead)
                    .map(|next| &view.low[next.word.start..next.word.end])
            };
            let length = reading.allowed.phrase(text).unwrap_or(0);
            traits
                .iter_mut()
                .skip(at)
                .take(length)
                .for_each(|part| part.allowed = 2);
            at += length.max(1);
        }
        Self { reading, traits }
    }

    fn low(&self, index: usize) -> &[u8] {
        let word = self.traits[index].word;
        &self.reading.view.low[word.start..word.end]
    }

    /// What stands between word `index` and the next.
    fn gap(&self, index: usize) -> &[u8] {
        match self.traits.get(index + 1) {
            Some(next) => &self.reading.view.low[self.traits[index].word.end..next.word.start],
            None => b"\n",
        }
    }

    /// What the lists and the capitals say.
    fn base(&self, index: usize) -> i32 {
        let it = &self.traits[index];
        let (given, surname) = (it.class.given(), it.class.surname());
        let lists = match it.class.ordinary() {
            0 => [-10, 20, 34, 40][usize::from(given)].max([-10, 10, 24, 30][usize::from(surname)]),
            1 => [-20, 2, 14, 26][usize::from(given)].max([-20, -4, 10, 18][usize::from(surname)]),
            _ => [-40, -22, 0, 8][usize::from(given)].max([-40, -25, -14, 2][usize::from(surname)]),
        };
        let short = if it.word.end - it.word.start <= 2 { -14 } else { 0 };
        let case = match (it.case, self.reading.lower) {
            (Case::Title, _) if it.opens => 4,
            (Case::Title, _) => 14,
            (Case::Upper, true) => -4,
            (Case::Upper, false) if it.word.end - it.word.start <= 4 => -12,
            (Case::Upper, false) => 4,
            (Case::Lower, true) => -4,
            (Case::Lower, false) => -14,
        };
        let kept = match it.allowed {
            0 => 0,
            1 => -32,
            _ => -70,
        };
        let calendar = if it.word.cues.has(Cues::CALENDAR) { -36 } else { 0 };
        let cue_word = if it.word.cues.has(
            Cues::ORDER
                .or(Cues::PHONE)
                .or(Cues::NATIONAL)
                .or(Cues::UNIT)
                .or(Cues::DELIVERY),
        ) && given < 3
        {
            -16
        } else {
            0
        };
        // "TiendaFácil" is a brand, "McCarthy" a surname.
        let raw = &self.reading.view.raw[it.word.start..it.word.end];
        let camel = it.case == Case::Title
            && raw.iter().skip(1).any(u8::is_ascii_uppercase)
            && it.class.surname() == 0
            && !matches!(
                raw,
                [b'M', b'c', ..] | [b'M', b'a', b'c', ..] | [b'D' | b'L', b'e' | b'a' | b'i', ..]
            );
        lists - 40 * i32::from(camel) + short + case + kept + calendar + cue_word
    }

    /// Could be part of a name beside another part.
    fn is_partner(&self, index: usize) -> bool {
        let Some(it) = self.traits.get(index) else { return false };
        it.eligible && it.allowed == 0 && it.class.is_name() && (it.class.ordinary() < 2 || it.case == Case::Title)
    }

    fn neighbours(&self, index: usize) -> i32 {
        let it = &self.traits[index];
        let beside = |other: usize, gap: &[u8]| {
            gap == b" "
                && self.is_partner(other)
                && (self.traits[other].case == it.case || self.reading.lower)
                && !self.traits[other].word.cues.has(Cues::CALENDAR)
        };
        let right = beside(index + 1, self.gap(index));
        let left = index > 0
            && beside(index - 1, self.gap(index - 1))
            && !self.traits[index - 1].word.cues.has(Cues::GREET.or(Cues::TITLE));
        let titled = it.case == Case::Title && !it.opens;
        let mut points = if right || left {
            if titled || it.class.ordinary() == 0 { 12 } else { 4 }
        } else {
            0
        };
        if right && left {
            points += 4;
        }
        // What follows speaks of a person.
        let next = self.traits.get(index + 1);
        let gap = self.gap(index);
        if let Some(next) = next {
            let text = self.low(index + 1);
            let after = self.traits.get(index + 2);
            if gap == b" " {
                let told = next.word.cues.has(Cues::SPEECH);
                let bridge = |at: usize| {
                    matches!(
                        self.traits.get(at).map(|_| self.low(at)),
                        Some(
                            b"me"
                                | b"nos"
                                | b"le"
                                | b"les"
                                | b"te"
                                | b"ya"
                                | b"lo"
                                | b"la"
                                | b"se"
                                | b"just"
                                | b"also"
                                | b"tambien"
                                | b"from"
                        )
                    )
                };
                let speech = |at: usize| self.traits.get(at).is_some_and(|verb| verb.word.cues.has(Cues::SPEECH));
                let told_us = bridge(index + 1) && (speech(index + 2) || bridge(index + 2) && speech(index + 3));
                if told || told_us {
                    points += 16;
                }
                if matches!(text, b"here" | b"aqui" | b"aca" | b"again") {
                    points += 12;
                }
                if next.word.cues.has(Cues::ORG) && next.case == Case::Title {
                    points -= 20;
                } else if next.word.cues.has(Cues::ORG) && it.class.given() < 3 {
                    points -= 14;
                }
            }
            if gap == b"'" && text == b"s" && after.is_none_or(|more| !more.word.cues.has(Cues::ORG)) {
                points += 6;
            }
            if matches!(gap, b", " | b" (")
                && after.is_some()
                && matches!(
                    text,
                    b"que"
                        | b"my"
                        | b"mi"
                        | b"our"
                        | b"nuestra"
                        | b"nuestro"
                        | b"who"
                        | b"quien"
                        | b"el"
                        | b"la"
                        | b"from"
                        | b"de"
                )
            {
                points += 8;
            }
        }
        points + self.place(index) + self.determiner(index)
    }

    /// "sucursal Benito Juárez", "Hospital San Rafael", "Blue Ocean Travel": something that bears a person's name.
    fn place(&self, index: usize) -> i32 {
        if self.names_company(index) {
            return -50;
        }
        let mut back = index;
        for _ in 0..4 {
            let Some(before) = back.checked_sub(1) else { return 0 };
            if !matches!(self.gap(before), b" " | b" \"" | b": ") {
                return 0;
            }
            let word = self.traits[before].word;
            if word.cues.has(Cues::PLACE.or(Cues::VIA)) && !word.cues.has(Cues::TITLE) {
                return -60;
            }
            if matches!(self.low(before), b"san" | b"santa" | b"santo") && back == index {
                return -50;
            }
            if !word.cues.has(Cues::PARTICLE) && !self.is_partner(before) {
                return 0;
            }
            back = before;
        }
        0
    }

    /// A capital word soon after says that the whole is a company.
    fn names_company(&self, index: usize) -> bool {
        let mut at = index;
        while at < index + 3 && matches!(self.gap(at), b" " | b" & ") {
            at += 1;
            let Some(next) = self.traits.get(at).filter(|next| next.case != Case::Lower) else {
                return false;
            };
            if next.word.cues.has(Cues::ORG) && next.class.surname() < 2 {
                return true;
            }
        }
        false
    }

    /// "the Smith-Waterman algorithm", "Newton's method": what follows a whole name makes it a thing.
    fn names_thing(&self, to: usize) -> bool {
        let next = match self.gap(to - 1) {
            b" " => to,
            b"'" if self.traits.get(to).is_some_and(|_| self.low(to) == b"s") && self.gap(to) == b" " => to + 1,
            _ => return false,
        };
        self.traits.get(next).is_some_and(|next| next.word.cues.has(Cues::ORG))
    }

    /// "the Mercedes app", "una tienda en Trinidad": a thing or a place.
    fn determiner(&self, index: usize) -> i32 {
        let Some(before) = index.checked_sub(1).filter(|&before| self.gap(before) == b" ") else {
            return 0;
        };
        let alone = !self.is_partner(index + 1) || self.gap(index) != b" ";
        match self.low(before) {
            b"the" | b"this" | b"our" | b"your" | b"an" => -14,
            b"en" | b"in" | b"at" | b"hacia" | b"near" if alone => -28,
            b"de" | b"desde" | b"from" | b"to" | b"a"
                if alone
                    && is_town(self.low(index))
                    && !before
                        .checked_sub(1)
                        .is_some_and(|owner| self.traits[owner].word.cues.has(Cues::RELATION)) =>
            {
                -40
            }
            _ => 0,
        }
    }

    /// What stands before it announces a person.
    fn cue(&self, index: usize) -> i32 {
        // The name may begin before this word: "Mr. de la Cruz", "A. J. Lindqvist".
        let mut first = index;
        while first > 0
            && index - first < 3
            && self.is_initial(first - 1)
            && matches!(self.gap(first - 1), b" " | b". " | b".")
        {
            first -= 1;
        }
        let line = self.line(first);
        while first > 0
            && self.traits[first - 1].word.cues.has(Cues::PARTICLE)
            && self.gap(first - 1) == b" "
            && index - first < 3
            && !matches!(self.low(first - 1), b"de" | b"el" | b"la" | b"y" | b"do" | b"c")
        {
            first -= 1;
        }
        let Some(before) = first.checked_sub(1) else {
            return line;
        };
        let gap = self.gap(before);
        if gap.len() > 4
            || gap
                .iter()
                .any(|byte| matches!(*byte, b'\n' | b'!' | b'?' | b';' | PLACEHOLDER))
                && !(gap == b"\n" && self.traits[before].word.cues.has(Cues::IS_ME))
        {
            return line;
        }
        let cues = self.traits[before].word.cues;
        let text = self.low(before);
        let two = before
            .checked_sub(1)
            .filter(|&two| matches!(self.gap(two), b" " | b"'" | b", " | b"."));
        let cues_two = two.map_or_else(Cues::default, |two| self.traits[two].word.cues);
        let text_two = two.map_or(&b""[..], |two| self.low(two));
        let three = two
            .and_then(|two| two.checked_sub(1))
            .map_or(&b""[..], |three| self.low(three));
        let signed = gap.iter().any(|byte| matches!(byte, b':' | b'='));
        let plain = matches!(gap, b" " | b" \"" | b" '" | b" *");
        let dot = matches!(gap, b". " | b".");
        let comma = gap == b", ";
        let points = if signed {
            match () {
                () if cues.has(Cues::IS_ME.or(Cues::RELATION).or(Cues::TITLE))
                    || matches!(text, b"person" | b"persona") =>
                {
                    44
                }
                () if matches!(
                    text,
                    b"cliente"
                        | b"customer"
                        | b"client"
                        | b"user"
                        | b"usuario"
                        | b"from"
                        | b"de"
                        | b"to"
                        | b"para"
                        | b"cc"
                        | b"att"
                        | b"by"
                        | b"por"
                ) =>
                {
                    34
                }
                () if matches!(
                    text,
                    b"list"
                        | b"lista"
                        | b"names"
                        | b"nombres"
                        | b"team"
                        | b"personas"
                        | b"people"
                        | b"users"
                        | b"usuarios"
                        | b"members"
                        | b"miembros"
                ) =>
                {
                    30
                }
                () => 0,
            }
        } else if (plain || dot) && cues.has(Cues::TITLE) && !(dot && text.len() > 5) {
            40
        } else if plain {
            match text {
                b"soy" | b"llamo" | b"llamaba" | b"named" => 46,
                b"llama" | b"llaman" if matches!(text_two, b"se" | b"me" | b"te" | b"le") => 42,
                b"called" | b"llamado" | b"llamada" => 24,
                b"is" | b"es" | b"s" | b"era" | b"was" if cues_two.has(Cues::IS_ME) => 44,
                b"is" | b"s" if matches!(text_two, b"this" | b"it" | b"here") => 20,
                b"de" if matches!(text_two, b"nombre" | b"parte" | b"atencion" | b"favor" | b"firma") => 42,
                b"of" if matches!(text_two, b"behalf" | b"name") => 42,
                b"under" if cues_two.has(Cues::ORDER) || matches!(text_two, b"is" | b"name" | b"it" | b"was") => 40,
                b"for" if text_two == b"account" => 10,
                b"m" | b"am" | b"im" if text == b"im" || text_two == b"i" => 22,
                b"habla" | b"escribe" | b"saluda" | b"hablas" => 26,
                b"me" if matches!(text_two, b"call" | b"llamame" | b"dime" | b"diganme") => 38,
                b"aqui" | b"aca" => 14,
                b"tal" if matches!(text_two, b"un" | b"una") => 40,
                b"a" if matches!(
                    text_two,
                    b"add"
                        | b"autorizo"
                        | b"agregar"
                        | b"agreguen"
                        | b"invitar"
                        | b"inviten"
                        | b"llama"
                        | b"dile"
                        | b"pedirle"
                ) =>
                {
                    14
                }
                _ if cues.has(Cues::RELATION) => 28,
                _ if cues.has(Cues::GREET)
                    && (self.traits[before].opens || cues_two.has(Cues::GREET) || before <= 2) =>
                {
                    34
                }
                _ if cues.has(Cues::IS_ME) => 20,
                _ if matches!(text_two, b"nombre" | b"name") && matches!(three, b"mi" | b"my") => 20,
                _ if cues.has(Cues::MET) => 8,
                _ => 0,
            }
        } else if comma {
            match text {
                b"yo" => 42,
                _ if cues.has(Cues::RELATION) => 22,
                b"all" | b"team" | b"everyone" | b"folks" | b"there" | b"equipo" | b"todos" | b"guys"
                    if cues_two.has(Cues::GREET) =>
                {
                    26
                }
                _ if cues.has(Cues::GREET) && before <= 3 && self.traits[index].class.ordinary() == 0 => 22,
                _ if cues.has(Cues::GREET) && before <= 3 => 8,
                _ if cues.has(Cues::IS_ME) => 14,
                _ => 0,
            }
        } else if gap == b"/ " && text == b"w" {
            12
        } else if gap.contains(&b'@') || gap.contains(&b'(') {
            if cues.has(Cues::RELATION.or(Cues::IS_ME)) {
                20
            } else {
                0
            }
        } else {
            0
        };
        points.max(line)
    }

    /// A single capital with a dot, or one that is no word.
    fn is_initial(&self, index: usize) -> bool {
        let it = &self.traits[index];
        let dot = self.gap(index).starts_with(b".");
        it.word.end - it.word.start == 1
            && it.case == Case::Title
            && (dot || !matches!(self.low(index), b"i" | b"a" | b"y" | b"o" | b"e"))
    }

    /// A line of its own: a signature, or "Ana:" before what she said.
    fn line(&self, index: usize) -> i32 {
        let starts = index == 0 || self.gap(index - 1).contains(&b'\n');
        let mut end = index;
        while end < index + 4 && !self.gap(end).contains(&b'\n') && matches!(self.gap(end), b" " | b"-" | b". " | b"'")
        {
            end += 1;
        }
        let ends = self.gap(end).contains(&b'\n') && end + 1 <= self.traits.len();
        let turn =
            starts && end - index <= 2 && self.gap(end).starts_with(b":") && self.traits[index].class.given() > 0;
        if turn {
            return 10;
        }
        if !ends {
            return 0;
        }
        // Sign-off words right before the line's name, on the same line or the one above.
        let Some(before) = index.checked_sub(1) else { return 0 };
        let gap = self.gap(before);
        let dashes = gap.windows(2).any(|pair| pair == b"--") && starts;
        let signed_off =
            self.traits[before].word.cues.has(Cues::SIGNOFF) && (starts || matches!(gap, b", " | b" - " | b". "));
        let dash = matches!(gap, b" - " | b"\n- " | b"\n-");
        if signed_off || dashes {
            36
        } else if dash && self.traits[index].class.given() > 0 {
            12
        } else if starts && self.traits[index].class.given() > 0 && self.traits[index].case != Case::Lower {
            8
        } else {
            0
        }
    }

    /// From a word that is a name to the whole name, as a range of words.
    fn grow(&self, index: usize, strong: bool) -> (usize, usize) {
        let mut to = index + 1;
        let mut length = 1;
        while length < 6 {
            let Some(next) = self.next_part(to, strong) else { break };
            to = next;
            length += 1;
        }
        let mut from = index;
        while from > 0 && length < 8 {
            let gap = self.gap(from - 1);
            let it = &self.traits[from - 1];
            let initial = it.word.end - it.word.start == 1
                && it.case == Case::Title
                && matches!(gap, b" " | b". ")
                && !matches!(self.low(from - 1), b"i" | b"a" | b"y" | b"o" | b"e");
            let part = matches!(gap, b" " | b"-" | b"'")
                && self.belongs(from - 1, false)
                && (it.class.is_name() || gap == b"-")
                && !it.word.cues.has(Cues::GREET.or(Cues::TITLE).or(Cues::IS_ME));
            if !(initial || part) || self.place(from - 1) < 0 {
                break;
            }
            from -= 1;
            length += 1;
        }
        (from, to)
    }

    /// The end of the name's next part that starts at word `at`, over particles and initials.
    fn next_part(&self, at: usize, strong: bool) -> Option<usize> {
        let mut at = at;
        for _ in 0..4 {
            let it = self.traits.get(at)?;
            let gap = self.gap(at - 1);
            let single = it.word.end - it.word.start == 1;
            let after_initial = self.traits[at - 1].word.end - self.traits[at - 1].word.start == 1;
            let near = matches!(gap, b" " | b"-" | b"'") || (gap == b". " || gap == b".") && after_initial;
            if !near {
                return None;
            }
            if single
                && (it.case == Case::Title || self.reading.lower && self.gap(at).starts_with(b"."))
                && self.low(at) != b"y"
                && self.low(at) != b"i"
                && !it.word.cues.has(Cues::default())
            {
                let stop = self.gap(at);
                if self
                    .traits
                    .get(at + 1)
                    .is_some_and(|_| matches!(stop, b" " | b". " | b"'" | b"."))
                    && self.next_is_name(at + 1, strong)
                {
                    at += 1;
                    continue;
                }
                return Some(at + 1);
            }
            if it.word.cues.has(Cues::PARTICLE) && !matches!(self.low(at), b"y" | b"e" | b"c") {
                if self.next_is_name(at + 1, strong) && matches!(self.gap(at), b" " | b"-" | b"'") {
                    at += 1;
                    continue;
                }
                if it.word.cues.has(Cues::PARTICLE)
                    && self
                        .traits
                        .get(at + 1)
                        .is_some_and(|next| next.word.cues.has(Cues::PARTICLE))
                    && self.gap(at) == b" "
                {
                    at += 1;
                    continue;
                }
                return None;
            }
            return self.belongs(at, strong).then_some(at + 1);
        }
        None
    }

    /// The word behind a particle or an initial is surely part of a name: "de la Cruz", not "de Madrid".
    fn next_is_name(&self, at: usize, strong: bool) -> bool {
        let Some(it) = self.traits.get(at) else { return false };
        let kept = it.allowed == 2 || it.allowed == 1 && !(strong && it.class.surname() == 3);
        if !it.eligible
            || kept
            || it.word.cues.has(Cues::CALENDAR)
            || it.word.cues.has(Cues::PLACE) && it.class.surname() == 0
        {
            return false;
        }
        let listed = it.class.surname() >= 2 || it.class.given() >= 2;
        match it.case {
            Case::Title | Case::Upper => listed || it.class.ordinary() == 0 && strong,
            Case::Lower => self.reading.lower && it.class.surname() >= 2 && it.class.ordinary() < 2,
        }
    }

    /// Belongs to a name that it touches.
    fn belongs(&self, at: usize, strong: bool) -> bool {
        let it = &self.traits[at];
        if !it.eligible || it.allowed == 2 || it.word.end - it.word.start < 2 {
            return false;
        }
        let dashed = |gap: &[u8], other: usize| {
            gap == b"-" && self.traits.get(other).is_some_and(|other| other.case == Case::Title)
        };
        if dashed(self.gap(at), at + 1) || at > 0 && dashed(self.gap(at - 1), at - 1) {
            // "Soo-jin", "Case-Lindqvist": what a dash joins to a capital is one name.
            return it.case == Case::Title || it.word.end - it.word.start <= 5;
        }
        let month = it.word.cues.has(Cues::CALENDAR) && !(it.case == Case::Title && it.class.given() > 0);
        let function = month
            || it.word.cues.has(
                Cues::MET
                    .or(Cues::SPEECH)
                    .or(Cues::PHONE)
                    .or(Cues::GREET)
                    .or(Cues::ORDER)
                    .or(Cues::NATIONAL),
            );
        let capital = it.case == Case::Title
            || (it.case == Case::Upper && !self.reading.lower && at > 0 && self.traits[at - 1].case == Case::Upper);
        if capital {
            let listed = it.class.surname() >= 1 || it.class.given() >= 1;
            return !(it.allowed > 0 && it.class.surname() < 2)
                && (it.class.ordinary() < 2 || listed || strong)
                && (!function || it.class.surname() == 3);
        }
        if it.allowed > 0 || function || !self.reading.lower {
            return false;
        }
        match it.class.ordinary() {
            0 => it.class.is_name() || strong,
            1 => it.class.surname() >= 2 || it.class.given() >= 2 || (strong && it.class.is_name()),
            _ => it.class.surname() >= 2 || it.class.given() == 3,
        }
    }

    /// What is joined to a name by a comma or "and" is a name on less evidence.
    fn lists(&self, hidden: &mut [bool]) {
        for index in 0..hidden.len() {
            let ends = hidden[index] && !hidden.get(index + 1).copied().unwrap_or(false);
            if !ends {
                continue;
            }
            let mut at = index + 1;
            let mut gap = self.gap(index);
            if let Some(next) = self.traits.get(at)
                && matches!(gap, b" " | b", ")
                && matches!(
                    &self.reading.view.low[next.word.start..next.word.end],
                    b"y" | b"and" | b"e" | b"or" | b"o"
                )
            {
                gap = b", ";
                at += 1;
            } else if !matches!(gap, b", " | b" & " | b" / " | b"/" | b"," | b"\n" | b"\n- " | b"; ") {
                continue;
            }
            let Some(it) = self
                .traits
                .get(at)
                .filter(|it| it.eligible && it.allowed == 0 && !hidden[at])
            else {
                continue;
            };
            let line = gap.starts_with(b"\n");
            let bonus = if line { 4 } else { 16 };
            let ordinary = it.class.ordinary() == 2 && it.class.given() < 3;
            if !ordinary && self.base(at) + self.neighbours(at) + bonus >= ENOUGH {
                let (from, to) = self.grow(at, false);
                hidden[from.max(index + 1)..to].fill(true);
            }
        }
    }

    /// A name found once is hidden wherever its words return.
    fn second_look(&self, hidden: &mut [bool]) {
        let telling = |index: usize| {
            let it = &self.traits[index];
            it.word.end - it.word.start >= 3
                && !it.word.cues.has(Cues::PARTICLE)
                && (it.class.ordinary() < 2 || it.class.given() == 3)
        };
        let found: HashSet<&[u8]> = (0..hidden.len())
            .filter(|&index| hidden[index] && telling(index))
            .map(|index| self.low(index))
            .collect();
        if found.is_empty() {
            return;
        }
        for index in 0..hidden.len() {
            let it = &self.traits[index];
            if !hidden[index]
                && it.eligible
                && found.contains(self.low(index))
                && (it.class.ordinary() == 0 || it.case == Case::Title)
                && it.allowed == 0
                && self.place(index) == 0
            {
                hidden[index] = true;
            }
        }
    }

    fn hide(&self, hidden: &[bool], claims: &mut Claims) {
        let mut at = 0;
        while at < hidden.len() {
            if !hidden[at] {
                at += 1;
                continue;
            }
            let from = at;
            let joined = |at: usize| match self.gap(at - 1) {
                b" " | b"-" | b"'" => true,
                b". " | b"." => self.is_initial(at - 1),
                _ => false,
            };
            at += 1;
            while at < hidden.len() && hidden[at] && joined(at) {
                at += 1;
            }
            claims.hide(self.traits[from].word.start, self.traits[at - 1].word.end, Label::Name);
        }
    }
}
