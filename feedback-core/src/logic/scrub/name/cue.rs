//! What stands before a word and announces a person: "soy", "Dear", "on behalf of", a line after "Saludos,".

use super::{
    super::{cues::Cues, view::PLACEHOLDER},
    part::{Case, Finder},
};

/// The words before a name, nearest first.
struct Before<'a> {
    text: &'a [u8],
    cues: Cues,
    two: &'a [u8],
    cues_two: Cues,
    /// The nearest word begins a sentence.
    opens: bool,
    /// Index of the nearest word.
    index: usize,
}

impl Finder<'_, '_> {
    /// Points for what stands before word `index`.
    pub(super) fn cue(&self, index: usize) -> i32 {
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
            && index - first < 3
            && self.cues(first - 1).has(Cues::PARTICLE)
            && self.gap(first - 1) == b" "
            && !matches!(self.low(first - 1), b"de" | b"el" | b"la" | b"y" | b"do" | b"c")
        {
            first -= 1;
        }
        let Some(nearest) = first.checked_sub(1) else {
            return line;
        };
        let gap = self.gap(nearest);
        let label_above = gap == b"\n" && self.cues(nearest).has(Cues::IS_ME);
        let apart = gap
            .iter()
            .any(|byte| matches!(*byte, b'\n' | b'!' | b'?' | b';' | PLACEHOLDER));
        if gap.len() > 4 || apart && !label_above {
            return line;
        }
        let two = nearest
            .checked_sub(1)
            .filter(|&two| matches!(self.gap(two), b" " | b"'" | b", " | b"."));
        let before = Before {
            text: self.low(nearest),
            cues: self.cues(nearest),
            two: two.map_or(&b""[..], |two| self.low(two)),
            cues_two: two.map_or_else(Cues::default, |two| self.cues(two)),
            opens: self.traits[nearest].opens,
            index: nearest,
        };
        // "I'm Bars Ho": two words with capitals.
        let introduced = matches!((before.two, before.text), (b"i", b"m" | b"am") | (_, b"im"))
            && gap == b" "
            && self.gap(index) == b" "
            && [index, index + 1].iter().all(|&at| {
                self.traits
                    .get(at)
                    .is_some_and(|it| it.case == Case::Title && it.eligible && it.allowed == 0)
            });
        if introduced {
            return 40;
        }
        let points = if gap.iter().any(|byte| matches!(byte, b':' | b'=')) {
            after_sign(&before)
        } else if before.cues.has(Cues::TITLE) && (gap == b" " || matches!(gap, b". " | b".") && before.text.len() <= 5)
        {
            40
        } else {
            match gap {
                b" " | b" \"" | b" '" | b" *" => {
                    let met = before.cues.has(Cues::MET) && self.reading.lower && self.surely_named(index);
                    after_space(&before).max(if met { 14 } else { 0 })
                }
                b", " => {
                    after_comma(&before, self.traits[index].class.ordinary() == 0).max(self.apposition(index, nearest))
                }
                b"/ " if before.text == b"w" => 12,
                _ if (gap.contains(&b'@') || gap.contains(&b'('))
                    && before.cues.has(Cues::RELATION.or(Cues::IS_ME)) =>
                {
                    20
                }
                _ => 0,
            }
        };
        // "Hi Bela,": who is greeted, and a comma.
        let greeted = before.cues.has(Cues::GREET)
            && points >= 34
            && self.surely_named(index)
            && matches!(self.gap(index), b", " | b",\n" | b"\n" | b"!" | b",");
        points.max(line).max(if greeted { 40 } else { 0 })
    }

    /// "the nurse who called, Precious Mokoena, …": a relation, what they did, and the name in capitals before the next comma.
    fn apposition(&self, index: usize, nearest: usize) -> i32 {
        if self.reading.lower || self.traits[index].case != Case::Title || self.cues(index).has(Cues::CALENDAR) {
            return 0;
        }
        let mut end = index;
        while self.gap(end) == b" " && self.traits.get(end + 1).is_some_and(|next| next.case == Case::Title) {
            end += 1;
        }
        let closed = end - index < 4 && matches!(self.gap(end), b", " | b"," | b".");
        let mut at = nearest;
        for _ in 0..5 {
            let Some(before) = at.checked_sub(1).filter(|&before| closed && self.gap(before) == b" ") else {
                return 0;
            };
            let told = matches!(self.low(at), b"who" | b"que" | b"quien" | b"i" | b"we");
            if told && self.cues(before).has(Cues::RELATION) {
                return 34;
            }
            at = before;
        }
        0
    }

    /// A name and nothing else: what "con" or "for" before it needs in a message without capitals.
    fn surely_named(&self, index: usize) -> bool {
        let class = self.traits[index].class;
        class.given() > 0 && class.ordinary() == 0
    }

    /// A line of its own: a signature, or "Ana:" before what she said.
    fn line(&self, index: usize) -> i32 {
        let starts = index == 0 || self.gap(index - 1).contains(&b'\n');
        let mut end = index;
        while end < index + 4 && !self.gap(end).contains(&b'\n') && matches!(self.gap(end), b" " | b"-" | b". " | b"'")
        {
            end += 1;
        }
        let ends = self.gap(end).contains(&b'\n') && end < self.traits.len();
        let turn =
            starts && end - index <= 2 && self.gap(end).starts_with(b":") && self.traits[index].class.given() > 0;
        if turn {
            return if self.traits[index].class.given() > 1 { 16 } else { 10 };
        }
        if !ends {
            return 0;
        }
        // Sign-off words right before the line's name, on the same line or the one above.
        let Some(before) = index.checked_sub(1) else { return 0 };
        let gap = self.gap(before);
        let dashes = starts && gap.windows(2).any(|pair| matches!(pair, b"--" | b"-\n"));
        let sign_off = |back: usize| {
            before
                .checked_sub(back)
                .is_some_and(|at| self.cues(at).has(Cues::SIGNOFF))
        };
        // "Thanks in advance" and "Saludos cordiales" above the line.
        let above =
            starts && (1..=2).any(|back| sign_off(back) && (0..back).all(|word| self.gap(before - 1 - word) == b" "));
        let signed_off = above || sign_off(0) && (starts || matches!(gap, b", " | b" - " | b". "));
        let dash = matches!(gap, b" - " | b"\n- " | b"\n-");
        if signed_off || dashes {
            40
        } else if dash && self.traits[index].class.given() > 0 {
            12
        } else if starts
            && self.traits[index].class.given() > 0
            && (self.reading.lower || self.traits[index].case != Case::Lower)
        {
            8
        } else {
            0
        }
    }
}

/// "Titular: …", "cliente: …", "invite list: …".
fn after_sign(before: &Before<'_>) -> i32 {
    match before.cues {
        cues if cues.has(Cues::IS_ME.or(Cues::RELATION).or(Cues::TITLE)) => 44,
        _ if matches!(before.text, b"person" | b"persona") => 44,
        cues if cues.has(Cues::PARTY) => 40,
        cues if cues.has(Cues::GROUP) => 30,
        _ => 0,
    }
}

/// "soy …", "a nombre de …", "Dear …", "my wife …".
fn after_space(before: &Before<'_>) -> i32 {
    let (cues, two) = (before.cues, before.two);
    match before.text {
        b"named" if matches!(two, b"the" | b"a" | b"an") => 0,
        b"soy" | b"llamo" | b"llamaba" | b"named" => 46,
        b"llama" | b"llaman" if matches!(two, b"se" | b"me" | b"te" | b"le") => 42,
        b"called" | b"llamado" | b"llamada" => 24,
        b"is" | b"es" | b"s" | b"era" | b"was" if before.cues_two.has(Cues::IS_ME) => 44,
        // "his manager is Hallgrímur"
        b"is" | b"es" | b"was" | b"era" if before.cues_two.has(Cues::RELATION) => 28,
        b"is" | b"s" if matches!(two, b"this" | b"it" | b"here") => 20,
        b"its" => 20,
        b"de" | b"of" if before.cues_two.has(Cues::NAME_OF) => 42,
        b"paterno" | b"materno" if before.cues_two.has(Cues::IS_ME) => 44,
        b"under" if before.cues_two.has(Cues::ORDER) || matches!(two, b"is" | b"name" | b"it" | b"was") => 40,
        b"im" => 22,
        b"m" | b"am" if two == b"i" => 22,
        b"habla" | b"escribe" | b"saluda" | b"hablas" => 26,
        b"me" if matches!(two, b"call" | b"llamame" | b"dime" | b"diganme") => 38,
        b"aqui" | b"aca" => 14,
        b"tal" if matches!(two, b"un" | b"una") => 40,
        _ if cues.has(Cues::RELATION) => 28,
        _ if cues.has(Cues::GREET) && (before.opens || before.cues_two.has(Cues::GREET) || before.index <= 2) => 34,
        _ if cues.has(Cues::IS_ME) => 20,
        _ if cues.has(Cues::MET) && before.cues_two.or(cues).has(Cues::TALKED) => 28,
        b"by" | b"por" if before.cues_two.has(Cues::IS_ME.or(Cues::SPEECH)) => 26,
        _ if cues.has(Cues::MET) => 8,
        _ => 0,
    }
}

/// "Yo, …", "mi esposa, …", "Hi all, …".
fn after_comma(before: &Before<'_>, is_no_word: bool) -> i32 {
    match before.cues {
        _ if before.text == b"yo" => 42,
        cues if cues.has(Cues::RELATION) => 22,
        cues if cues.has(Cues::GROUP) && before.cues_two.has(Cues::GREET) => 26,
        cues if cues.has(Cues::GREET) && before.index <= 3 => {
            if is_no_word {
                22
            } else {
                8
            }
        }
        cues if cues.has(Cues::IS_ME) => 14,
        _ => 0,
    }
}
