//! Who exists on the other side.

use serde::Deserialize;

/// A made-up person with an address on each channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// First and last name.
    pub name: String,
    /// A reserved example address.
    pub email: String,
    /// Digits with country code, without `+`, as WhatsApp has it.
    pub phone: String,
    /// `U…`.
    pub slack_id: String,
    /// The handle, which is not a display name.
    pub slack_handle: String,
    /// 24 hexadecimal digits.
    pub intercom_id: String,
    /// `es-AR`, `es-MX`, `es-ES`, `es-CO` or `en`.
    pub locale: String,
}

impl Person {
    /// The demo's people.
    pub(crate) fn demo_people() -> Vec<Self> {
        serde_json::from_str(include_str!("people.json")).expect("a test reads the same file, which is compiled in")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_shares_an_address_and_none_can_be_real() {
        let people = Person::demo_people();
        let mut seen = BTreeSet::new();
        for person in &people {
            for address in [&person.email, &person.phone, &person.slack_id, &person.intercom_id] {
                assert!(seen.insert(address.clone()), "{address} is used twice");
            }
            assert!(person.email.ends_with(".example"), "{} could be real", person.email);
            assert!(person.phone.bytes().all(|byte| byte.is_ascii_digit()));
            assert_eq!(person.intercom_id.len(), 24);
        }
        assert!(people.len() >= 16);
    }
}
