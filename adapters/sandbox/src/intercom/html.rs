//! Between plain text and the little HTML that Intercom keeps.

/// A person's text as the messenger stores it: paragraphs, and breaks within them.
pub(super) fn from_text(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>")))
        .collect()
}

/// An API author's body: HTML stays, plain text gets its paragraph.
pub(super) fn from_api(body: &str) -> String {
    let body = body.trim();
    if body.starts_with('<') {
        body.to_owned()
    } else {
        from_text_keeping_entities(body)
    }
}

fn from_text_keeping_entities(text: &str) -> String {
    text.split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>")))
        .collect()
}

/// For `display_as=plaintext`, and for the page.
pub(crate) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('>') else {
            // No tag after all.
            rest = &rest[start..];
            break;
        };
        let tag = rest[start + 1..start + length]
            .trim_end_matches('/')
            .trim()
            .to_ascii_lowercase();
        match tag.as_str() {
            "br" | "/li" => text.push('\n'),
            "/p" => text.push_str("\n\n"),
            _ => {}
        }
        rest = &rest[start + length + 1..];
    }
    text.push_str(rest);
    text.trim()
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_the_way_there_and_back() {
        let text = "¿Hola?\nuno < dos & tres\n\nchau";
        assert_eq!(from_text(text), "<p>¿Hola?<br>uno &lt; dos &amp; tres</p><p>chau</p>");
        assert_eq!(to_text(&from_text(text)), text);
    }

    #[test]
    fn plain_api_bodies_get_a_paragraph_and_html_stays() {
        assert_eq!(from_api("listo"), "<p>listo</p>");
        assert_eq!(from_api("<p>listo</p>"), "<p>listo</p>");
    }

    #[test]
    fn an_open_bracket_is_no_tag() {
        assert_eq!(to_text("a < b"), "a < b");
    }
}
