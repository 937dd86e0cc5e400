//! Names of people: what the lists say of a word, what stands beside it, and what was found already.
//!
//! Every word gets a score in points; [`ENOUGH`] makes it a name. Lists alone carry a common name, a cue ("soy", "Dear",
//! "on behalf of") carries a word that no list has, and a place or a product beside it pulls down. A found name then
//! grows over the words that belong to it and is looked for again in the rest of the message.

mod cue;
mod grow;
mod part;
mod score;
pub(super) mod tagger;

pub(super) use self::part::Finder;
use self::{part::Case, tagger::Opinion};
use super::{
    Label, Reading,
    cues::Cues,
    view::{Claims, Seen},
};

/// Points that make a word a name.
const ENOUGH: i32 = 30;
/// Points of a cue after which nearly any word is a name.
const STRONG: i32 = 38;

/// A word is a name from this score of the model on, whatever the rules say.
const SURE: i32 = 10;
/// A word that most often is something else, a product or a month, needs this score.
const CERTAIN: i32 = 200;
/// Under this score the model overrules the rules.
const DENIED: i32 = -100;

/// Marks names.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let finder = Finder::new(reading, claims);
    let mut rules = Rules::read(&finder);
    let decided = finder.decide(&rules, |opinion, index, after_name| {
        let ruled = opinion.hidden[index];
        if ruled && opinion.cues[index] >= STRONG || finder.serves(index) || finder.is_behind_initial(index) {
            return true;
        }
        let needed = match () {
            () if ruled => DENIED,
            () if finder.is_thing(index) => return false,
            () if finder.is_barred(index, after_name) => CERTAIN,
            () if after_name && finder.is_behind_article(index) => DENIED,
            () if finder.is_whole_name(index) || after_name && finder.is_unusual(index) => DENIED,
            () => SURE,
        };
        tagger::score(&finder, opinion, index, after_name) > needed
    });
    rules.hidden = decided;
    finder.second_look(&mut rules.hidden);
    finder.hide(&rules.hidden, claims);
}

/// What the rules make of a message.
pub(super) struct Rules {
    /// Points of each word for itself and its neighbours.
    points: Vec<i32>,
    /// Points for what stands before it.
    cues: Vec<i32>,
    /// What they would hide.
    hidden: Vec<bool>,
}

impl Rules {
    pub(super) fn read(finder: &Finder<'_, '_>) -> Self {
        let count = finder.traits.len();
        let mut rules = Self {
            points: vec![-90; count],
            cues: vec![0; count],
            hidden: vec![false; count],
        };
        let mut at = 0;
        for index in 0..count {
            if !finder.is_candidate(index) {
                continue;
            }
            let cue = finder.cue(index);
            rules.cues[index] = cue;
            if cue <= 0 && finder.is_everyday(index) {
                continue;
            }
            rules.points[index] = finder.base(index) + finder.neighbours(index);
            if index >= at && !rules.hidden[index] && rules.points[index] + cue >= ENOUGH {
                let (from, to) = finder.grow(index, cue >= STRONG);
                rules.hidden[from..to].fill(cue >= STRONG || !finder.names_thing(to));
                at = to;
            }
        }
        finder.lists(&mut rules.hidden);
        rules
    }

    fn opinion(&self) -> Opinion<'_> {
        Opinion {
            points: &self.points,
            cues: &self.cues,
            hidden: &self.hidden,
        }
    }
}

impl Finder<'_, '_> {
    /// Asks `is_name` about every word that may be one, from left to right, and joins what belongs together.
    pub(super) fn decide(
        &self,
        rules: &Rules,
        mut is_name: impl FnMut(&Opinion<'_>, usize, bool) -> bool,
    ) -> Vec<bool> {
        let opinion = rules.opinion();
        let mut decided = vec![false; self.traits.len()];
        for index in 0..decided.len() {
            if !self.is_candidate(index) {
                continue;
            }
            let after_name = self.follows_name(&decided, index);
            if after_name
                || opinion.hidden[index]
                || opinion.cues[index] > 0
                || !self.is_everyday(index)
                || self.is_behind_initial(index)
                || self.serves(index)
            {
                decided[index] = is_name(&opinion, index, after_name);
            }
        }
        self.bridge(&rules.hidden, &mut decided);
        for index in 1..decided.len() {
            decided[index - 1] |= decided[index] && self.is_behind_initial(index);
        }
        if !self.reading.view.has_seen(Seen::DASH) {
            return decided;
        }
        for index in 1..decided.len() {
            // "Ji-woo": the lists know the halves, and nobody writes a word so.
            decided[index - 1] |=
                self.is_second_half(index) && self.traits[index].class.is_name() && self.is_listed_alone(index - 1);
            decided[index] |= decided[index - 1] && self.is_second_half(index);
        }
        for index in (0..decided.len().saturating_sub(1)).rev() {
            // "Lom-Ali": the first half of it.
            decided[index] |= decided[index + 1] && self.gap(index) == b"-" && self.is_unusual(index);
        }
        decided
    }

    /// What the model may not make a name by itself: words that stay, labels of numbers, months, places, our own teams.
    fn is_barred(&self, index: usize, after_name: bool) -> bool {
        let it = &self.traits[index];
        let surname = after_name && it.class.surname() >= 2;
        let labels = Cues::ORDER
            .or(Cues::PHONE)
            .or(Cues::NATIONAL)
            .or(Cues::UNIT)
            .or(Cues::DELIVERY)
            .or(Cues::OURS)
            .or(Cues::TITLE);
        it.allowed == 1 && !surname
            || it.word.cues.has(labels) && it.class.given() < 3 && !surname
            || it.word.cues.has(Cues::CALENDAR) && it.case == Case::Lower
            || self.is_joined_to_a_word(index)
    }

    /// A part of a phrase that stays, or of what bears a person's name: a street, a hospital, a company.
    fn is_thing(&self, index: usize) -> bool {
        self.traits[index].allowed == 2 || self.place(index) < 0 || self.has_article(index)
    }

    /// "the jack": in small letters, people have no article in English.
    fn has_article(&self, index: usize) -> bool {
        let article = |before: usize| self.gap(before) == b" " && matches!(self.low(before), b"the" | b"an");
        let it = &self.traits[index];
        it.case == Case::Lower && it.class.is_name() && index.checked_sub(1).is_some_and(article)
    }

    /// One of two capitalized words that no dictionary has, of which one is a name: "Thabo Quiroga". The model knows the places
    /// where a maker's name may stand, and a person's may stand there as well ("it went to …"); two such words are a person.
    fn is_whole_name(&self, index: usize) -> bool {
        let with = |one: usize| {
            one + 1 < self.traits.len()
                && self.gap(one) == b" "
                && self.is_unusual(one)
                && self.is_unusual(one + 1)
                && self.traits[one + 1].class.surname() > 0
        };
        with(index) || index.checked_sub(1).is_some_and(with) || self.is_behind_initial(index)
    }

    /// "J. Echeverri": an initial with a dot, and a word with a capital that is no word.
    fn is_behind_initial(&self, index: usize) -> bool {
        index.checked_sub(1).is_some_and(|before| {
            self.gap(before) == b". "
                && self.is_initial(before)
                && self.traits[before].case == Case::Title
                && self.is_unusual(index)
                && self.traits[index].word.end - self.traits[index].word.start >= 4
                && before
                    .checked_sub(1)
                    .is_none_or(|first| self.gap(first) != b"." && self.gap(first) != b". ")
        })
    }

    /// A name of the lists that is no everyday word and no cue: "Ji", "Min".
    fn is_listed_alone(&self, index: usize) -> bool {
        let it = &self.traits[index];
        it.eligible
            && it.allowed == 0
            && it.class.is_name()
            && it.class.ordinary() < 2
            && it.word.cues == Cues::default()
    }

    /// "mohammed al-harbi": what an Arabic article joins to a name, whatever its capitals.
    fn is_behind_article(&self, index: usize) -> bool {
        self.traits[index].allowed == 0
            && index.checked_sub(1).is_some_and(|before| {
                self.gap(before) == b"-" && matches!(self.low(before), b"al" | b"el" | b"ben" | b"bin" | b"abu" | b"ul")
            })
    }

    /// A capitalized word that no dictionary has and that says nothing about its neighbours.
    fn is_unusual(&self, index: usize) -> bool {
        let it = &self.traits[index];
        it.eligible
            && it.case == Case::Title
            && it.allowed == 0
            && it.class.ordinary() == 0
            && it.word.cues == Cues::default()
            && it.word.end - it.word.start >= 3
    }

    /// A name ends right before word `index`, particles and initials aside.
    fn follows_name(&self, decided: &[bool], index: usize) -> bool {
        let mut at = index;
        while at > 0 && index - at < 3 {
            at -= 1;
            if !matches!(self.gap(at), b" " | b"-" | b"'" | b". ") {
                return false;
            }
            if decided[at] {
                return true;
            }
            if !self.traits[at].word.cues.has(Cues::PARTICLE) && !self.is_initial(at) {
                return false;
            }
        }
        false
    }

    /// "Ji-woo", "Jean-pierre": small letters that a dash joins to a name with a capital, and no everyday word.
    fn is_second_half(&self, index: usize) -> bool {
        let (first, it) = (&self.traits[index - 1], &self.traits[index]);
        self.gap(index - 1) == b"-"
            && first.case == Case::Title
            && it.case == Case::Lower
            && it.eligible
            && it.word.cues == Cues::default()
            && it.class.ordinary() < 2
            && (it.class.is_name() || it.word.end - it.word.start <= 5)
            && !matches!(self.gap(index), b"-")
    }

    /// Particles and initials between two parts of a name are parts as well, and initials that the rules took with it.
    fn bridge(&self, ruled: &[bool], decided: &mut [bool]) {
        let mut last: Option<usize> = None;
        for index in 0..decided.len() {
            if decided[index] {
                if let Some(last) = last.filter(|&last| index - last <= 4)
                    && (last + 1..index).all(|at| self.traits[at].word.cues.has(Cues::PARTICLE) || self.is_initial(at))
                    && (last..index).all(|at| matches!(self.gap(at), b" " | b"-" | b"'" | b". "))
                {
                    decided[last + 1..index].fill(true);
                }
                last = Some(index);
            }
        }
        for index in 0..decided.len() {
            if ruled[index] && !decided[index] && !self.is_candidate(index) && self.is_initial(index) {
                let beside = |other: Option<usize>| other.is_some_and(|other| decided.get(other) == Some(&true));
                decided[index] = beside(index.checked_sub(1)) || beside(Some(index + 1));
            }
        }
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
        let mut found: Vec<&[u8]> = (0..hidden.len())
            .filter(|&index| hidden[index] && telling(index))
            .map(|index| self.low(index))
            .collect();
        if found.is_empty() {
            return;
        }
        found.sort_unstable();
        found.dedup();
        for (index, it) in self.traits.iter().enumerate() {
            if !hidden[index]
                && it.eligible
                && found.binary_search(&self.low(index)).is_ok()
                && (it.class.ordinary() == 0 || it.case == Case::Title)
                && it.allowed == 0
                && self.place(index) == 0
                && !self.has_article(index)
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
