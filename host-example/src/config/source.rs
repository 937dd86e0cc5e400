//! The file and the environment, as they are written: values by section and key, before they are typed.

use std::{collections::BTreeMap, path::Path};

use super::{
    InvalidConfiguration,
    keys::{is_known, shown},
};

/// Values by section and key, before they are typed, and what is wrong so far.
#[derive(Default)]
pub(super) struct Source {
    values: BTreeMap<(String, String), String>,
    problems: Vec<String>,
}

impl Source {
    pub(super) fn read_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return self.wrong(format!("could not read {}: {error}", path.display()));
            }
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            // The parser's message quotes the line, which may hold a secret.
            Err(error) => {
                let line = error
                    .span()
                    .map_or(0, |span| text[..span.start.min(text.len())].lines().count());
                return self.wrong(format!("{} is not TOML near line {line}", path.display()));
            }
        };
        for (key, value) in table {
            match value {
                toml::Value::Table(section) => {
                    for (inner, value) in section {
                        self.put(&key, &inner, flat(&value));
                    }
                }
                value => self.put("", &key, flat(&value)),
            }
        }
    }

    pub(super) fn read_environment(&mut self, vars: impl Iterator<Item = (String, String)>) {
        for (name, value) in vars {
            let Some(path) = name.strip_prefix("FEEDBACK_") else {
                continue;
            };
            let path = path.to_ascii_lowercase();
            let (section, key) = path.split_once("__").unwrap_or(("", &path));
            self.put(section, key, Some(value));
        }
    }

    fn put(&mut self, section: &str, key: &str, value: Option<String>) {
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let name = shown(&section, &key);
        let Some(value) = value else {
            return self.wrong(format!("{name} must be a text, number or list"));
        };
        if is_known(&section, &key) {
            self.values.insert((section, key), value);
        } else if let Some(plain) = key.strip_suffix("_file").filter(|plain| is_known(&section, plain)) {
            match std::fs::read_to_string(&value) {
                Ok(secret) => {
                    self.values
                        .insert((section, plain.to_owned()), secret.trim().to_owned());
                }
                Err(error) => self.wrong(format!("{name} names a file that cannot be read: {error}")),
            }
        } else {
            self.wrong(format!("{name} is not a key of this program"));
        }
    }

    /// Whether any key of the section says something.
    pub(super) fn section_present(&self, section: &str) -> bool {
        self.values
            .iter()
            .any(|((of, _), value)| of == section && !value.is_empty())
    }

    /// A key as it was written; each is asked for once.
    pub(super) fn take(&mut self, section: &str, key: &str) -> Option<String> {
        self.values.remove(&(section.to_owned(), key.to_owned()))
    }

    /// One more thing that is wrong. Never the value of a key: it may be a secret.
    pub(super) fn wrong(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// The settings, if nothing was wrong with them.
    pub(super) fn checked<T>(self, settings: T) -> Result<T, InvalidConfiguration> {
        if self.problems.is_empty() {
            Ok(settings)
        } else {
            Err(InvalidConfiguration(self.problems))
        }
    }
}

/// A TOML value as the environment would write it; `None` for what no key takes.
fn flat(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => items
            .iter()
            .map(flat)
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(",")),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    #[test]
    fn a_secret_may_come_from_a_file_and_the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("token");
        std::fs::write(&secret, "a-token-of-sufficient-length\n").unwrap();
        let file = folder.path().join("feedback.toml");
        std::fs::write(
            &file,
            "listen = \"127.0.0.1:1\"\n[whatsapp]\nphone_number_id = [\"1\", \"2\"]\n",
        )
        .unwrap();
        let mut source = Source::default();
        source.read_file(&file);
        let pairs = [
            ("FEEDBACK_LISTEN", "127.0.0.1:2"),
            ("FEEDBACK_API_TOKEN_FILE", secret.to_str().unwrap()),
        ];
        source.read_environment(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        assert_eq!(source.values[&(String::new(), "listen".to_owned())], "127.0.0.1:2");
        assert_eq!(
            source.values[&(String::new(), "api_token".to_owned())],
            "a-token-of-sufficient-length"
        );
        assert_eq!(source.list("whatsapp", "phone_number_id"), ["1", "2"]);
    }

    #[test]
    fn every_key_of_the_example_file_is_a_key_of_this_program() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("feedback.example.toml");
        let text = std::fs::read_to_string(example).unwrap();
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix("#:").unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("feedback.toml");
        std::fs::write(&file, uncommented).unwrap();
        let mut source = Source::default();
        source.read_file(&file);
        assert_eq!(source.problems, Vec::<String>::new());
        let named: usize = keys::SECTIONS.iter().map(|(_, keys)| keys.len()).sum();
        assert_eq!(source.values.len(), named, "the example names every key");
    }
}
