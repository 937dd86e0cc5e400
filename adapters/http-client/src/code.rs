//! A provider's error codes, as errors and logs may show them.

/// The code, if it looks like one: a short word of letters, digits and `_-.:`. Whatever else stands in its place may be a
/// person's words echoed back, and becomes `unreadable_code`.
///
/// ```
/// # use feedback_http_client::shown_code;
/// assert_eq!(shown_code("channel_not_found"), "channel_not_found");
/// assert_eq!(shown_code("Hola Ana"), "unreadable_code");
/// ```
pub fn shown_code(code: &str) -> &str {
    let is_word = !code.is_empty() && code.len() <= 64;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if is_word && code.bytes().all(is_plain) {
        code
    } else {
        "unreadable_code"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_pass() {
        for code in ["131047", "missing_scope", "invalid-auth", "a.b:c"] {
            assert_eq!(shown_code(code), code);
        }
        for code in ["", "two words", "ana@empresa.example", "línea", "x\ny", &"x".repeat(65)] {
            assert_eq!(shown_code(code), "unreadable_code");
        }
    }
}
