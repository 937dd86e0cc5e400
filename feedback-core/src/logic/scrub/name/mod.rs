//! Names of people: what the lists say of a word, what stands beside it, and what was found already.
//!
//! Every word gets a score in points; [`ENOUGH`] makes it a name. Lists alone carry a common name, a cue ("soy", "Dear",
//! "on behalf of") carries a word that no list has, and a place or a product beside it pulls down. A found name then
//! grows over the words that belong to it and is looked for again in the rest of the message.

mod cue;
mod grow;
mod part;
mod score;

use std::collections::HashSet;

use self::part::{Case, Finder};
use super::{Label, Reading, cues::Cues, view::Claims};

/// Points that make a word a name.
const ENOUGH: i32 = 30;
/// Points of a cue after which nearly any word is a name.
const STRONG: i32 = 38;

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

impl Finder<'_, '_> {
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
        let found: HashSet<&[u8]> = (0..hidden.len())
            .filter(|&index| hidden[index] && telling(index))
            .map(|index| self.low(index))
            .collect();
        if found.is_empty() {
            return;
        }
        for (index, it) in self.traits.iter().enumerate() {
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
