//! Points for and against a word: the lists, its capitals, its neighbours.

use super::{
    super::{cues::Cues, gazetteer},
    part::{Case, Finder},
};

impl Finder<'_, '_> {
    /// What the lists and the capitals say.
    pub(super) fn base(&self, index: usize) -> i32 {
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
            // "GUI", "EDI" among small letters are no names; "ANA" is.
            (Case::Upper, false) if it.word.end - it.word.start <= 4 && given < 2 => -26,
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
        let labels = Cues::ORDER
            .or(Cues::PHONE)
            .or(Cues::NATIONAL)
            .or(Cues::UNIT)
            .or(Cues::DELIVERY);
        let cue_word = if it.word.cues.has(labels) && given < 3 { -16 } else { 0 };
        lists + self.camel(index) + short + case + kept + calendar + cue_word
    }

    /// "TiendaFácil" is a brand, "McCarthy" a surname, "AnaRuiz" a person in a hurry.
    fn camel(&self, index: usize) -> i32 {
        let it = &self.traits[index];
        let raw = &self.reading.view.raw[it.word.start..it.word.end];
        let inner = raw.iter().skip(1).position(u8::is_ascii_uppercase).map(|at| at + 1);
        let surname = matches!(
            raw,
            [b'M', b'c', ..] | [b'M', b'a', b'c', ..] | [b'D' | b'L', b'e' | b'a' | b'i', ..]
        );
        match inner {
            Some(inner) if it.case == Case::Title && it.class.surname() == 0 && !surname => {
                let (given, surname) = self.low(index).split_at(inner);
                let person = gazetteer::class(given).given() > 1 && gazetteer::class(surname).surname() > 1;
                if person { 30 } else { -40 }
            }
            _ => 0,
        }
    }

    /// What stands beside it: other parts of a name, what people do, what things are called.
    pub(super) fn neighbours(&self, index: usize) -> i32 {
        self.partners(index) + self.right(index) + self.place(index) + self.determiner(index)
    }

    /// Other parts of a name on either side.
    fn partners(&self, index: usize) -> i32 {
        let it = &self.traits[index];
        let beside = |other: usize, gap: &[u8]| {
            gap == b" "
                && self.is_partner(other)
                && (self.traits[other].case == it.case || self.reading.lower)
                && !self.cues(other).has(Cues::CALENDAR)
        };
        let right = beside(index + 1, self.gap(index));
        let left = index > 0
            && beside(index - 1, self.gap(index - 1))
            && !self.cues(index - 1).has(Cues::GREET.or(Cues::TITLE));
        let titled = it.case == Case::Title && !it.opens;
        let mut points = match right || left {
            true if titled || it.class.ordinary() == 0 => 12,
            true => 4,
            false => 0,
        };
        if right && left {
            points += 4;
        }
        // Without capitals, two words in a row that are names and nothing else say it.
        if self.reading.lower
            && it.class.ordinary() < 2
            && (right && self.pairs(index, index + 1) || left && self.pairs(index, index - 1))
        {
            points = points.max(20);
        }
        if !right
            && it.class.given() > 0
            && (it.case == Case::Title || self.reading.lower)
            && self.surname_follows(index)
        {
            points += 10;
        }
        points
    }

    /// One is a given name, the other a surname, and the other is no ordinary word.
    fn pairs(&self, index: usize, other: usize) -> bool {
        let (it, other) = (self.traits[index].class, self.traits[other].class);
        other.ordinary() == 0 && (it.given() > 0 && other.surname() > 0 || it.surname() > 0 && other.given() > 0)
    }

    /// What follows speaks of a person, or of a thing.
    fn right(&self, index: usize) -> i32 {
        let it = &self.traits[index];
        let (gap, next, after) = (self.gap(index), self.cues(index + 1), self.cues(index + 2));
        let Some(last) = self.traits.get(index + 1) else {
            return 0;
        };
        let text = self.low(index + 1);
        // "joy-con", "grace-period": small letters behind a dash that are no name.
        if self.is_joined_to_a_word(index) {
            return -24;
        }
        if gap == b"'" {
            return if text == b"s" && !after.has(Cues::ORG) { 6 } else { 0 };
        }
        if matches!(gap, b", " | b" (") {
            let speaks = matches!(
                text,
                b"que" | b"who" | b"quien" | b"el" | b"la" | b"from" | b"de" | b"mi" | b"my"
            );
            return if speaks || next.has(Cues::OURS) { 8 } else { 0 };
        }
        if gap != b" " {
            return 0;
        }
        let bridge = |at: usize| self.cues(at).has(Cues::NEGATED);
        let speech = |at: usize| self.cues(at).has(Cues::SPEECH);
        let told =
            speech(index + 1) || bridge(index + 1) && (speech(index + 2) || bridge(index + 2) && speech(index + 3));
        let mut points = match told {
            true if !self.serves(index) => 16,
            _ => self.acts(index),
        };
        if matches!(text, b"from" | b"de" | b"in") && after.has(Cues::OURS) && it.class.is_name() {
            points += 12;
        }
        if matches!(text, b"es" | b"is" | b"was" | b"era")
            && matches!(
                self.traits.get(index + 2).map(|_| self.low(index + 2)),
                Some(b"mi" | b"my" | b"our" | b"nuestra" | b"nuestro")
            )
            && self.cues(index + 3).has(Cues::RELATION)
        {
            points += 20;
        }
        if matches!(text, b"here" | b"aqui" | b"aca" | b"again") {
            points += 12;
        }
        if self.names_thing_behind(index) == 1 {
            points -= if it.class.given() < 3 { 20 } else { 14 };
        }
        if is_crew(text) {
            points -= 60;
        }
        if next.has(Cues::ORG) && last.case == Case::Title {
            points -= 20;
        } else if next.has(Cues::ORG) && it.class.given() < 3 {
            points -= 14;
        }
        points
    }

    /// A dash joins it to small letters that are nobody's name.
    pub(super) fn is_joined_to_a_word(&self, index: usize) -> bool {
        self.gap(index) == b"-"
            && self.traits[index].case == Case::Lower
            && self
                .traits
                .get(index + 1)
                .is_some_and(|next| next.case == Case::Lower && (next.class.ordinary() == 2 || !next.class.is_name()))
    }

    /// A capital word that no list has, or a particle and a surname: "Mehmet Yıldız", "Anneke van der Berg".
    fn surname_follows(&self, index: usize) -> bool {
        let mut at = index + 1;
        while at < index + 4 && self.gap(at - 1) == b" " {
            let Some(next) = self.traits.get(at).filter(|next| next.allowed == 0) else {
                return false;
            };
            if next.word.cues.has(Cues::PARTICLE) && next.case == Case::Lower {
                at += 1;
                continue;
            }
            let unlisted = at == index + 1 && next.class.ordinary() == 0 && next.word.end - next.word.start > 2;
            return next.eligible
                && next.case == Case::Title
                && (unlisted || next.class.surname() >= 2 && at > index + 1);
        }
        false
    }

    /// What follows is what people do: "Mark can't log in", "Rosa no puede entrar".
    fn acts(&self, index: usize) -> i32 {
        let it = &self.traits[index];
        if self.serves(index) {
            return 44;
        }
        if it.case != Case::Title && !self.reading.lower || it.allowed > 0 || it.word.cues.has(Cues::CALENDAR) {
            return 0;
        }
        let negated = |at: usize| self.cues(at).has(Cues::NEGATED);
        let acts = |at: usize| {
            self.traits
                .get(at)
                .is_some_and(|verb| verb.word.cues.has(Cues::ACTS) && verb.case == Case::Lower)
        };
        if !(acts(index + 1) || negated(index + 1) && (acts(index + 2) || negated(index + 2) && acts(index + 3))) {
            return 0;
        }
        match (it.class.ordinary(), it.class.given()) {
            (2, 2..)
                if it.case == Case::Title
                    && !matches!(
                        self.low(index + 1),
                        b"is" | b"was" | b"es" | b"era" | b"fue" | b"has" | b"will"
                    ) =>
            {
                22
            }
            (2, _) => 0,
            (_, 1..) => 14,
            _ => 6,
        }
    }

    /// "Mercedes me atendió muy bien", "Jordan me ayudó": a given name, and what only a person does to us.
    pub(super) fn serves(&self, index: usize) -> bool {
        let it = &self.traits[index];
        let named = it.case == Case::Title && it.class.given() >= 2 && self.gap(index) == b" ";
        named && it.allowed < 2 && self.is_one_of_us(index)
            || named
                && match self.traits.get(index + 1).map(|_| self.low(index + 1)) {
                    Some(b"me" | b"nos" | b"le" | b"les") => self.traits.get(index + 2).is_some_and(|_| {
                        matches!(
                            self.low(index + 2),
                            b"atendio"
                                | b"ayudo"
                                | b"dijo"
                                | b"explico"
                                | b"llamo"
                                | b"escribio"
                                | b"contesto"
                                | b"respondio"
                                | b"prometio"
                                | b"confirmo"
                                | b"comento"
                                | b"paso"
                        )
                    }),
                    Some(b"told") => matches!(
                        self.traits.get(index + 2).map(|_| self.low(index + 2)),
                        Some(b"me" | b"us" | b"him" | b"her" | b"them")
                    ),
                    _ => false,
                }
    }

    /// "Sander from your team", "Joy in billing", "Rosa de cobranzas".
    fn is_one_of_us(&self, index: usize) -> bool {
        let text = |at: usize| self.traits.get(at).map(|_| self.low(at)).unwrap_or_default();
        let bridge = matches!(text(index + 1), b"from" | b"in" | b"de" | b"del") && self.gap(index + 1) == b" ";
        let ours = |at: usize| self.cues(at).has(Cues::OURS) && !matches!(text(at), b"the" | b"our" | b"your");
        let owner = matches!(
            text(index + 2),
            b"the" | b"our" | b"your" | b"su" | b"nuestro" | b"el" | b"la"
        );
        let team = |at: usize| ours(at) || matches!(text(at), b"team" | b"equipo" | b"office" | b"oficina");
        bridge && (ours(index + 2) || owner && self.gap(index + 2) == b" " && team(index + 3))
    }

    /// "sucursal Benito Juárez", "Hospital San Rafael", "Blue Ocean Travel": something that bears a person's name.
    pub(super) fn place(&self, index: usize) -> i32 {
        if self.names_company(index) || self.names_thing_behind(index) == 2 {
            return -50;
        }
        let mut back = index;
        let mut owned = false;
        for _ in 0..4 {
            let Some(before) = back.checked_sub(1) else { return 0 };
            let gap = self.gap(before);
            if matches!(self.low(before), b"san" | b"santa" | b"santo") && gap == b" " && back == index
                || self.low(before) == b"st" && gap == b". "
            {
                return -50;
            }
            if !matches!(gap, b" " | b" \"" | b": ") {
                return 0;
            }
            let word = self.traits[before].word;
            if word.cues.has(Cues::PLACE.or(Cues::VIA)) && !word.cues.has(Cues::TITLE) && !self.is_surname(before) {
                return -60;
            }
            // "la cafetera Oster"; "la cafetera de Ana" is a person's.
            if !owned && gap != b": " && self.is_thing_with_article(before) {
                return -60;
            }
            owned |= word.cues.has(Cues::PARTICLE);
            let titled = self.traits[before].case == Case::Title && !self.traits[before].opens;
            if !(word.cues.has(Cues::PARTICLE) || self.is_partner(before) || titled && !owned && word.is_letters) {
                return 0;
            }
            back = before;
        }
        0
    }

    /// A word that is a surname and stands behind a name: "Ana Castillo Ruiz" is no castle.
    fn is_surname(&self, index: usize) -> bool {
        self.traits[index].class.surname() > 0
            && index
                .checked_sub(1)
                .is_some_and(|before| self.gap(before) == b" " && self.is_partner(before))
    }

    /// "la cafetera", "mi impresora", "the game".
    fn is_thing_with_article(&self, index: usize) -> bool {
        let it = &self.traits[index];
        it.word.cues.has(Cues::THING)
            && !self.is_surname(index)
            && (it.opens
                || index
                    .checked_sub(1)
                    .is_some_and(|before| self.gap(before) == b" " && is_article(self.low(before))))
    }

    /// "the Dyson vacuum", "my Jo Malone candle", "Gantt chart": what follows the word and its neighbours is a thing. 2 where
    /// an article stands before them.
    fn names_thing_behind(&self, index: usize) -> u8 {
        let part = |at: usize| {
            let it = &self.traits[at];
            it.word.is_letters && (it.case == Case::Title || it.class.is_name()) && it.word.cues == Cues::default()
        };
        let mut to = index;
        while to < index + 2 && self.gap(to) == b" " && to + 1 < self.traits.len() {
            to += 1;
            if self.cues(to).has(Cues::THING) && !(self.traits[to].case == Case::Title && self.is_surname(to)) {
                let mut from = index;
                while from > 0 && index - from < 2 && self.gap(from - 1) == b" " && part(from - 1) {
                    from -= 1;
                }
                let article = from > 0 && self.gap(from - 1) == b" " && is_article(self.low(from - 1));
                return 1 + u8::from(article);
            }
            if !part(to) {
                return 0;
            }
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
                    && self.traits[index].word.cues.has(Cues::TOWN)
                    && !before
                        .checked_sub(1)
                        .is_some_and(|owner| self.traits[owner].word.cues.has(Cues::RELATION)) =>
            {
                -40
            }
            _ => 0,
        }
    }
}

/// "Dear Spport Team": who is greeted is no person.
fn is_crew(low: &[u8]) -> bool {
    matches!(
        low,
        b"team" | b"desk" | b"department" | b"dept" | b"staff" | b"crew" | b"squad"
    )
}

/// What stands before the name of a thing.
fn is_article(low: &[u8]) -> bool {
    matches!(
        low,
        b"el"
            | b"la"
            | b"los"
            | b"las"
            | b"un"
            | b"una"
            | b"unos"
            | b"unas"
            | b"mi"
            | b"mis"
            | b"su"
            | b"tu"
            | b"del"
            | b"al"
            | b"este"
            | b"esta"
            | b"the"
            | b"a"
            | b"an"
            | b"my"
            | b"our"
            | b"your"
            | b"this"
            | b"that"
            | b"new"
    )
}
