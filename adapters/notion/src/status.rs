//! What a status option means, whatever it is called.

use std::collections::BTreeMap;

use feedback_core::domain::TrackerStatus;

use crate::wire::{Choice, Choices, bare};

/// Names for boards whose status is a plain select, folded. Groups are better evidence and come first.
const TO_DO: [&str; 13] = [
    "to do",
    "todo",
    "to-do",
    "not started",
    "backlog",
    "new",
    "open",
    "por hacer",
    "pendiente",
    "sin empezar",
    "sin iniciar",
    "nuevo",
    "abierto",
];
const IN_PROGRESS: [&str; 10] = [
    "in progress",
    "doing",
    "wip",
    "started",
    "in review",
    "en curso",
    "en progreso",
    "en proceso",
    "en revision",
    "haciendo",
];
const DONE: [&str; 13] = [
    "done",
    "complete",
    "completed",
    "resolved",
    "closed",
    "shipped",
    "hecho",
    "listo",
    "terminado",
    "completado",
    "resuelto",
    "cerrado",
    "finalizado",
];
/// Names in the group "Complete" that are an end without a result: nobody should be told that their report was fixed.
const DROPPED: [&str; 16] = [
    "won't do",
    "wont do",
    "won't fix",
    "wontfix",
    "cancelled",
    "canceled",
    "duplicate",
    "rejected",
    "declined",
    "cancelado",
    "descartado",
    "duplicado",
    "rechazado",
    "no se hara",
    "archived",
    "archivado",
];

/// Which option means what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Statuses {
    options: Vec<Choice>,
    groups: BTreeMap<String, TrackerStatus>,
    configured: BTreeMap<String, Option<TrackerStatus>>,
}

impl Statuses {
    /// From a status or select column, and what was configured.
    pub(crate) fn new(choices: &Choices, configured: &BTreeMap<String, Option<TrackerStatus>>) -> Self {
        // Notion's three groups always stand in this order; their names are in the language of whoever made the board.
        let order = [TrackerStatus::ToDo, TrackerStatus::InProgress, TrackerStatus::Done];
        let groups = choices.groups.iter().zip(order);
        let members = groups.flat_map(|(group, status)| group.option_ids.iter().map(move |id| (id.clone(), status)));
        Self {
            options: choices.options.clone(),
            groups: members.collect(),
            configured: configured.clone(),
        }
    }

    /// What it means that a page has this option, under the name that it has now.
    pub(crate) fn meaning(&self, option: &Choice) -> Option<TrackerStatus> {
        let configured = self
            .configured
            .get(&option.id)
            .or_else(|| self.configured.get(&option.name));
        if let Some(configured) = configured {
            return *configured;
        }
        let name = folded(&option.name);
        match self.groups.get(&option.id) {
            Some(TrackerStatus::Done) if DROPPED.contains(&name.as_str()) => None,
            Some(status) => Some(*status),
            None => by_name(&name),
        }
    }

    /// The option to write for a status: the one with the usual name, else the first with that meaning.
    pub(crate) fn option_for(&self, status: TrackerStatus) -> Option<&Choice> {
        let mut meant = self
            .options
            .iter()
            .filter(|option| self.meaning(option) == Some(status));
        let usual = meant
            .clone()
            .find(|option| by_name(&folded(&option.name)) == Some(status));
        usual.or_else(|| meant.next())
    }

    /// Whether the column had the option when it was read.
    pub(crate) fn knows(&self, option: &Choice) -> bool {
        self.options.iter().any(|known| bare(&known.id) == bare(&option.id))
    }

    /// Names of the options that mean nothing.
    pub(crate) fn without_meaning(&self) -> Vec<String> {
        let options = self.options.iter().filter(|option| self.meaning(option).is_none());
        options.map(|option| option.name.clone()).collect()
    }
}

fn by_name(folded: &str) -> Option<TrackerStatus> {
    [
        (&TO_DO[..], TrackerStatus::ToDo),
        (&IN_PROGRESS, TrackerStatus::InProgress),
        (&DONE, TrackerStatus::Done),
    ]
    .into_iter()
    .find_map(|(names, status)| names.contains(&folded).then_some(status))
}

/// Lower case, without accents and without the emoji that people put before and behind.
fn folded(name: &str) -> String {
    let without_accent = |c| match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' => 'u',
        '’' => '\'',
        other => other,
    };
    let plain: String = name.to_lowercase().chars().map(without_accent).collect();
    plain.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn option(id: &str, name: &str) -> Choice {
        Choice {
            id: id.into(),
            name: name.into(),
        }
    }

    fn board() -> Choices {
        serde_json::from_value(json!({
            "options": [{"id": "a", "name": "Ideas"}, {"id": "b", "name": "Haciendo"}, {"id": "d", "name": "Won’t do"}, {"id": "c", "name": "Listo ✅"}],
            "groups": [{"name": "Por hacer", "option_ids": ["a"]}, {"name": "En curso", "option_ids": ["b"]}, {"name": "Completo", "option_ids": ["d", "c"]}],
        }))
        .unwrap()
    }

    #[test]
    fn f80_a_group_says_what_an_option_means_whatever_it_is_called() {
        let statuses = Statuses::new(&board(), &BTreeMap::new());
        for (id, name, meaning) in [
            ("a", "Ideas", Some(TrackerStatus::ToDo)),
            ("b", "Renamed since", Some(TrackerStatus::InProgress)),
            ("c", "Hecho", Some(TrackerStatus::Done)),
            ("d", "Won’t do", None),
            ("new", "Done ✅", Some(TrackerStatus::Done)),
            ("new", "En revisión", Some(TrackerStatus::InProgress)),
            ("new", "Icebox", None),
        ] {
            assert_eq!(statuses.meaning(&option(id, name)), meaning, "{id} {name}");
        }
    }

    #[test]
    fn a_status_is_written_as_the_option_with_the_usual_name() {
        let statuses = Statuses::new(&board(), &BTreeMap::new());
        assert_eq!(statuses.option_for(TrackerStatus::Done).unwrap().id, "c");
        assert_eq!(statuses.option_for(TrackerStatus::ToDo).unwrap().id, "a");
        assert_eq!(Statuses::default().option_for(TrackerStatus::Done), None);
    }

    #[test]
    fn what_was_configured_wins() {
        let configured = BTreeMap::from([("Ideas".to_owned(), None), ("d".to_owned(), Some(TrackerStatus::Done))]);
        let statuses = Statuses::new(&board(), &configured);
        assert_eq!(statuses.meaning(&option("a", "Ideas")), None);
        assert_eq!(statuses.meaning(&option("d", "Won't do")), Some(TrackerStatus::Done));
        assert_eq!(statuses.without_meaning(), ["Ideas"]);
    }
}
