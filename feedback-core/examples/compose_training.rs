//! Varies the hand-written training messages: letters around them, quotations above them, urgent and calm words, stated
//! levels, typing errors. Writes `training/composed.jsonl`; the same messages give the same file.
//!
//! `cargo run --release -p feedback-core --example compose_training`

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use feedback_core::{
    domain::{Language, Priority},
    logic::{infer::infer, language},
};
use serde::{Deserialize, Serialize};

/// A line of the training files.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Line {
    subject: String,
    style: String,
    #[serde(rename = "type")]
    ticket_type: String,
    priority: Priority,
    text: String,
}

const COMPOSED: &str = "composed.jsonl";

const OPENERS_EN: [&str; 14] = [
    "Hi team,",
    "Hello, hope you're well.",
    "Good morning everyone,",
    "Hi there, long-time customer here.",
    "Dear support,",
    "Hey folks!",
    "Hello again. We've been with you for three years and like it a lot.",
    "Good afternoon, my name is Alex and I look after the office.",
    "Hi, sorry to bother you.",
    "Greetings from Leeds.",
    "Hi! First of all, thanks for last week's call.",
    "Morning!",
    "Hello, I'm writing on behalf of my manager.",
    "Hiya, quick one.",
];

const CLOSERS_EN: [&str; 14] = [
    "Thanks, Alex",
    "Thanks in advance.",
    "Kind regards, Morgan",
    "Cheers!",
    "Best, Sam",
    "Many thanks and have a good day.",
    "Let me know.",
    "Looking forward to hearing from you.",
    "Thank you so much.",
    "All the best from the whole team",
    "Appreciate your help.",
    "Regards",
    "Thanks a lot, Robin",
    "Take care!",
];

const OPENERS_ES: [&str; 14] = [
    "Hola equipo, buen día.",
    "Buenas tardes, espero que estén bien.",
    "Estimados:",
    "Hola, ¿cómo están?",
    "Buenos días, les escribe Marcela de administración.",
    "Hola, soy cliente desde hace años y estoy muy conforme.",
    "Buenas!",
    "Muy buenas, disculpen la molestia.",
    "Hola, ante todo gracias por la ayuda de la otra vez.",
    "Qué tal, les escribo de parte de mi jefa.",
    "Holaa",
    "Saludos desde Cusco.",
    "Hola chicos, una cosita.",
    "Buen día, me llamo Julián.",
];

const CLOSERS_ES: [&str; 14] = [
    "Gracias, Marcela",
    "Desde ya, muchas gracias.",
    "Saludos cordiales",
    "Quedo atento.",
    "Un abrazo",
    "Gracias de antemano.",
    "Quedo a la espera de sus comentarios. Atte., Julián",
    "Que tengan buena semana.",
    "Mil gracias 🙏",
    "Saludos!",
    "Agradezco su apoyo.",
    "Bendiciones",
    "Gracias totales",
    "Abrazo grande para todo el equipo.",
];

const URGENT_EN: [&str; 9] = [
    "Urgent please.",
    "ASAP please.",
    "We need this today.",
    "Please look at it right away.",
    "This is urgent!",
    "As soon as possible, please.",
    "URGENT",
    "Please fix today.",
    "Need it now.",
];

const URGENT_ES: [&str; 9] = [
    "Es urgente.",
    "Lo antes posible por favor.",
    "URGENTE",
    "Lo necesito ya mismo.",
    "Nos urge.",
    "A la brevedad, por favor.",
    "Para hoy, por favor.",
    "Cuanto antes, porfa.",
    "Por favor de inmediato.",
];

const CALM_EN: [&str; 9] = [
    "No rush.",
    "Not urgent.",
    "Whenever you get a chance.",
    "When you have time.",
    "It can wait.",
    "No hurry at all.",
    "Take your time.",
    "This isn't urgent.",
    "At your convenience.",
];

const CALM_ES: [&str; 9] = [
    "No es urgente.",
    "Sin apuro.",
    "Cuando puedan.",
    "Cuando tengan tiempo.",
    "No corre prisa.",
    "No hay apuro.",
    "Puede esperar.",
    "Sin prisa, eh.",
    "Con calma, cuando tengan un rato.",
];

const QUOTED: [&str; 8] = [
    "> Is there anything else we can help with?",
    "> We fixed the problem that you reported.",
    "> ¿Le podemos ayudar en algo más?",
    "> Ya quedó solucionado el error del que nos habló.",
    "> Everything was down for all customers yesterday. It is back now.",
    "> URGENTE: se cayó el sistema en todas las sucursales.",
    "> Thanks for waiting. Our team is looking into it.",
    "> Lo marcamos como P1.",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("training");
    let mut composed = String::new();
    for (at, line) in read_lines(&folder)?.iter().enumerate() {
        for variant in vary(line, at) {
            composed.push_str(&serde_json::to_string(&variant)?);
            composed.push('\n');
        }
    }
    fs::write(folder.join(COMPOSED), composed)?;
    Ok(())
}

/// The hand-written lines, in the order of file names.
fn read_lines(folder: &Path) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl") && !path.ends_with(COMPOSED));
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        for line in fs::read_to_string(file)?.lines() {
            lines.push(serde_json::from_str(line)?);
        }
    }
    Ok(lines)
}

/// One variant in the manner of a letter, a thread or hasty typing, and one whose level moves.
fn vary(line: &Line, at: usize) -> Vec<Line> {
    let is_english = language::detect(&line.text) == Some(Language::English);
    let (openers, closers) = if is_english {
        (OPENERS_EN, CLOSERS_EN)
    } else {
        (OPENERS_ES, CLOSERS_ES)
    };
    let with = |text: String, priority: Priority| Line {
        text,
        priority,
        ..line.clone()
    };
    let dressed = match at % 4 {
        0 => format!(
            "{} {} {}",
            openers[at % openers.len()],
            line.text,
            closers[(at / 3) % closers.len()]
        ),
        1 if !line.text.contains('>') => format!("{}\n{}", QUOTED[at % QUOTED.len()], line.text),
        2 => format!(
            "{}\n\n{}\n\n{}",
            openers[(at / 5) % openers.len()],
            line.text,
            closers[at % closers.len()]
        ),
        _ => mistyped(&line.text, at),
    };
    let mut variants = vec![with(dressed, line.priority)];
    variants.extend(moved(line, at, is_english).map(|(text, priority)| with(text, priority)));
    variants
}

/// The message with a word of urgency or calm, or with a level of its own; `None` where it has one already.
fn moved(line: &Line, at: usize, is_english: bool) -> Option<(String, Priority)> {
    let says_when = infer(&line.text).evidence.iter().any(|reason| {
        ["urgency", "calm", "stated_level"]
            .iter()
            .any(|rule| reason.rule.contains(rule))
    });
    if says_when || line.text.contains('>') || line.priority == Priority::P5 {
        return None;
    }
    let level = line.priority as usize;
    let (phrase, moved) = match at % 3 {
        // Urgent words lift nothing above P1, and calm ones do not lower what is P0.
        0 => (
            if is_english { URGENT_EN } else { URGENT_ES }[at % 9],
            if level >= 2 { level - 1 } else { level },
        ),
        1 => (
            if is_english { CALM_EN } else { CALM_ES }[at % 9],
            if level >= 1 { level + 1 } else { level },
        ),
        2 if at.is_multiple_of(2) => {
            let stated = (at / 6) % 6;
            return Some((format!("P{stated}: {}", line.text), Priority::ALL[stated]));
        }
        _ => return None,
    };
    let text = if at.is_multiple_of(2) {
        format!("{phrase} {}", line.text)
    } else {
        format!("{} {phrase}", ended(&line.text))
    };
    Some((text, Priority::ALL[moved]))
}

fn ended(text: &str) -> String {
    if text.ends_with(['.', '?', '!']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// Lower case, and every few words one with two letters exchanged, one dropped, or one doubled.
fn mistyped(text: &str, at: usize) -> String {
    let words = text.to_lowercase();
    let words = words.split(' ').enumerate().map(|(place, word)| {
        let mut letters: Vec<char> = word.chars().collect();
        if letters.len() >= 5 && (place + at).is_multiple_of(4) {
            let middle = letters.len() / 2;
            match (place + at) % 3 {
                0 => letters.swap(middle, middle - 1),
                1 => drop(letters.remove(middle)),
                _ => letters.insert(middle, letters[middle]),
            }
        }
        letters.into_iter().collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}
