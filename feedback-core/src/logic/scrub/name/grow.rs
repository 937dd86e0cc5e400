//! From a word that is a name to the whole name: given names, surnames, particles, initials.

use super::{
    super::cues::Cues,
    part::{Case, Finder},
};

impl Finder<'_, '_> {
    /// From a word that is a name to the whole name, as a range of words.
    pub(super) fn grow(&self, index: usize, strong: bool) -> (usize, usize) {
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
}
