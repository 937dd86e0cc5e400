//! How WhatsApp spells a number.

/// The `wa_id` that Meta makes of a number: digits only, with the mobile digit that Argentina (9) and Mexico (1) have on
/// WhatsApp even where people leave it out.
pub fn canonical_wa_id(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let with_mobile_digit = |country: &str, digit: &str| {
        digits
            .strip_prefix(country)
            .filter(|rest| rest.len() == 10)
            .map(|rest| format!("{country}{digit}{rest}"))
    };
    with_mobile_digit("54", "9")
        .or_else(|| with_mobile_digit("52", "1"))
        .unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mobile_digit_is_added_where_it_is_missing() {
        let cases = [
            ("+54 11 5550-1001", "5491155501001"),
            ("5491155501001", "5491155501001"),
            ("525555501281", "5215555501281"),
            ("5215555501281", "5215555501281"),
            ("+34 655 501 561", "34655501561"),
            ("15550101555", "15550101555"),
        ];
        for (number, wa_id) in cases {
            assert_eq!(canonical_wa_id(number), wa_id);
        }
    }
}
