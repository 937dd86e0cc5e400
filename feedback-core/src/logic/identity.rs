//! Same person or not: spellings under which one address may be stored. An address is kept as received; only look-ups
//! go through these.

use unicode_normalization::UnicodeNormalization;

/// The spellings under which a phone number may be stored, as digits without `+`; the received one comes first.
///
/// WhatsApp writes Argentine and Mexican mobiles with a digit that is not dialled (`54 9`, `52 1`), and old Brazilian
/// ones without the ninth. A Brazilian landline has no other spelling: with a nine in front it would be somebody else's
/// mobile. Text that is no number (a business-scoped id, say) is its own and only spelling.
///
/// ```
/// use feedback_core::logic::identity::phone_variants;
/// assert_eq!(phone_variants("+54 9 11 5555-0101"), ["5491155550101", "541155550101"]);
/// assert_eq!(phone_variants("551133334444"), ["551133334444"]);
/// ```
pub fn phone_variants(number: &str) -> Vec<String> {
    let written = number.trim();
    let is_number = written
        .chars()
        .all(|c| c.is_ascii_digit() || "+-() ./\u{a0}".contains(c));
    let mut digits: String = written.chars().filter(char::is_ascii_digit).collect();
    // A business-scoped id in digits still has its country's letters in front, so only true numbers come this far.
    if !is_number || digits.is_empty() {
        return vec![written.to_owned()];
    }
    if !written.starts_with('+')
        && let Some(international) = digits.strip_prefix("00")
    {
        digits = international.to_owned();
    }
    let other = argentine(&digits)
        .or_else(|| mexican(&digits))
        .or_else(|| brazilian(&digits));
    std::iter::once(digits).chain(other).collect()
}

fn argentine(digits: &str) -> Option<String> {
    let national = digits.strip_prefix("54")?;
    match (national.len(), national.strip_prefix('9')) {
        (11, Some(subscriber)) => Some(format!("54{subscriber}")),
        (10, None) => Some(format!("549{national}")),
        _ => None,
    }
}

fn mexican(digits: &str) -> Option<String> {
    let national = digits.strip_prefix("52")?;
    match (national.len(), national.strip_prefix('1')) {
        (11, Some(subscriber)) => Some(format!("52{subscriber}")),
        (10, _) => Some(format!("521{national}")),
        _ => None,
    }
}

/// Mobiles began with 6 to 9 before they took the nine in front, and landlines begin with 2 to 5.
fn brazilian(digits: &str) -> Option<String> {
    let national = digits.strip_prefix("55")?;
    let (area, subscriber) = national.split_at_checked(2)?;
    let is_old_mobile = |text: &str| text.len() == 8 && text.starts_with(['6', '7', '8', '9']);
    match subscriber.strip_prefix('9') {
        Some(without) if is_old_mobile(without) => Some(format!("55{area}{without}")),
        _ if is_old_mobile(subscriber) => Some(format!("55{area}9{subscriber}")),
        _ => None,
    }
}

/// The spelling under which an email address is looked up; `None` for what is no address.
///
/// Letter case and Unicode form are folded. Dots and `+tags` are kept: whether they matter is each mail server's own
/// rule, and a wrong guess would hand one person's answers to another.
pub fn fold_email(address: &str) -> Option<String> {
    let address = address.trim();
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let folded: String = address.nfc().flat_map(char::to_lowercase).collect();
    let (local, domain) = folded.rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let is_word = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_word(local) && is_word(domain)).then(|| format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_country_s_mobile_is_found_under_both_spellings() {
        for (one, other) in [
            ("5491155550101", "541155550101"),
            ("5215555550101", "525555550101"),
            ("5511987654321", "551187654321"),
        ] {
            assert_eq!(phone_variants(one), [one, other]);
            assert_eq!(phone_variants(other), [other, one]);
        }
    }

    #[test]
    fn numbers_without_a_second_spelling_stay_alone() {
        for number in [
            "15550109999",
            "551133334444",
            "5511933334444",
            "34600111222",
            "54",
            "55",
            "9",
            "5299",
        ] {
            assert_eq!(phone_variants(number), [number]);
        }
    }

    #[test]
    fn notation_is_no_difference_and_business_scoped_ids_are_never_touched() {
        assert_eq!(phone_variants("0054 9 11 5555 0101"), phone_variants("+5491155550101"));
        for id in ["US.1000000000000000001", "AR.5491155550101", "", "💥"] {
            assert_eq!(phone_variants(id), [id]);
        }
    }

    #[test]
    fn emails_fold_case_and_form_but_not_tags_and_dots() {
        assert_eq!(
            fold_email(" Dana.O+shop@Example.TEST. ").as_deref(),
            Some("dana.o+shop@example.test")
        );
        assert_eq!(fold_email("mailto:a@b.test").as_deref(), Some("a@b.test"));
        assert_eq!(fold_email("jose\u{301}@b.test"), fold_email("JOSÉ@b.test"));
        for none in ["", "dana", "@", "a@", "@b", "a b@c", "a@b c"] {
            assert_eq!(fold_email(none), None);
        }
    }
}
