//! HTML of chats and mails as plain text: blocks become lines, entities are decoded, scripts vanish, links keep their
//! address, images are listed apart.

use std::{cell::RefCell, rc::Rc};

use html2text::{
    config::ImageRenderMode,
    render::{TaggedLine, TextDecorator},
};

use super::wire::clean;

mod paragraphs;

/// Nobody reads a line this long; text is never wrapped to fit a page.
const WIDTH: usize = 100_000;

/// HTML of more bytes than this is cut: a person's message is never near, and the tree of elements costs many times the
/// bytes.
const MAX_BYTES: usize = 512 * 1024;

/// A text and the images that stood in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    /// The words.
    pub(super) text: String,
    /// Addresses of images, in order.
    pub(super) images: Vec<String>,
}

/// The words of a piece of HTML.
pub(super) fn to_text(html: &str) -> Plain {
    // Text without markup is as the sender wrote it, line ends and all.
    if !html.bytes().any(|byte| matches!(byte, b'<' | b'&')) {
        return Plain {
            text: clean(html),
            images: Vec::new(),
        };
    }
    let html = html.get(..html.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
    if let Some((text, links)) = paragraphs::to_text(html) {
        return Plain {
            text: finish(&text, links),
            images: Vec::new(),
        };
    }
    if nests_too_deeply(html) {
        return Plain {
            text: without_tags(html),
            images: Vec::new(),
        };
    }
    by_tree(html)
}

/// The words of any markup, by a reader that knows all of HTML.
fn by_tree(html: &str) -> Plain {
    let words = Words::default();
    let seen = words.clone();
    let rendered = html2text::config::with_decorator(words)
        .raw_mode(true)
        .allow_width_overflow()
        .empty_img_mode(ImageRenderMode::ShowAlways)
        .string_from_read(html.as_bytes(), WIDTH);
    // The renderer fails on pages too narrow for it, which this one is not; its input would then be shown as it came.
    let text = rendered.unwrap_or_else(|_| html.to_owned());
    let Collected { links, images } = seen.0.take();
    let text = finish(&text.replace('\u{a0}', " "), links.iter().map(String::as_str));
    Plain { text, images }
}

/// The words as they are kept: a link whose words are its address needs it once.
fn finish<'l>(text: &str, links: impl IntoIterator<Item = &'l str>) -> String {
    let mut text = clean(text);
    for link in links {
        let doubled = format!("{link} ({link})");
        if text.contains(&doubled) {
            text = text.replace(&doubled, link);
        }
    }
    text
}

/// Elements open at once beyond which the tree is not built: its cost grows with the square of the depth, and a mail of
/// twenty quoted replies in tables stays far below.
const MAX_OPEN: usize = 200;

/// Elements that never hold another of their kind, closed or not.
const UNNESTED: [&str; 16] = [
    "br", "img", "hr", "p", "li", "td", "tr", "th", "dt", "dd", "meta", "link", "input", "col", "option", "wbr",
];

fn nests_too_deeply(html: &str) -> bool {
    let mut open = 0_usize;
    for tag in html.split('<').skip(1) {
        if let Some(name) = tag.strip_prefix('/') {
            open = open.saturating_sub(usize::from(!is_unnested(name)));
        } else if tag.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_unnested(tag) {
            open += 1;
            if open > MAX_OPEN {
                return true;
            }
        }
    }
    false
}

fn is_unnested(tag: &str) -> bool {
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
    let name = tag.get(..end).unwrap_or_default();
    UNNESTED.iter().any(|unnested| unnested.eq_ignore_ascii_case(name))
}

/// The words between tags, for markup that no mail or chat program writes.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 4);
    for (at, piece) in html.split('<').enumerate() {
        let words = if at == 0 {
            piece
        } else {
            piece.split_once('>').map_or("", |(_, words)| words)
        };
        if words.trim().is_empty() {
            continue;
        }
        if !text.is_empty() && !text.ends_with(char::is_whitespace) {
            text.push(' ');
        }
        text.push_str(words);
    }
    clean(
        &text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&nbsp;", " ")
            .replace("&amp;", "&"),
    )
}

#[derive(Debug, Default)]
struct Collected {
    links: Vec<String>,
    images: Vec<String>,
}

/// Renders words without marks; shared by the blocks of a document, so that all of them collect in one place.
#[derive(Debug, Clone, Default)]
struct Words(Rc<RefCell<Collected>>);

impl Words {
    fn link_end(&self) -> String {
        match self.0.borrow().links.last() {
            Some(link) => format!(" ({link})"),
            None => String::new(),
        }
    }
}

fn nothing() -> (String, ()) {
    (String::new(), ())
}

impl TextDecorator for Words {
    type Annotation = ();

    fn decorate_link_start(&mut self, url: &str) -> (String, ()) {
        self.0.borrow_mut().links.push(url.to_owned());
        nothing()
    }

    fn decorate_link_end(&mut self) -> String {
        self.link_end()
    }

    fn decorate_em_start(&self) -> (String, ()) {
        nothing()
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        nothing()
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        nothing()
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        nothing()
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, src: &str, _title: &str) -> (String, ()) {
        self.0.borrow_mut().images.push(src.to_owned());
        nothing()
    }

    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }

    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        self.clone()
    }

    fn decorate_superscript_start(&self) -> (String, ()) {
        nothing()
    }

    fn decorate_superscript_end(&self) -> String {
        String::new()
    }

    fn finalise(&mut self, _links: Vec<String>) -> Vec<TaggedLine<()>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines_and_entities_are_decoded() {
        for (html, text) in [
            ("no markup", "no markup"),
            ("<p>It shows 20&nbsp;EUR<br>twice</p>", "It shows 20 EUR\ntwice"),
            ("<p>Invoice is wrong</p>", "Invoice is wrong"),
            ("<p>white  space\ncollapses</p>", "white space collapses"),
            ("<p>one</p><p>two</p>", "one\n\ntwo"),
            ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
            ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
            ("<p><b>bold</b> and <i>it</i></p>", "bold and it"),
            ("a &lt; b &amp;&amp; c", "a < b && c"),
            ("<p>x</p><script>alert(1)</script><style>p{}</style>", "x"),
            (
                "<p>see <a href=\"https://x.test/a\">the page</a>.</p>",
                "see the page (https://x.test/a).",
            ),
            ("<p><a href=\"https://x.test\">https://x.test</a></p>", "https://x.test"),
            ("<p>unclosed <b>tag", "unclosed tag"),
            ("", ""),
        ] {
            assert_eq!(to_text(html).text, text, "{html}");
        }
    }

    #[test]
    fn images_are_listed_apart() {
        let plain = to_text(
            "<p>look</p><div><img src=\"https://cdn.test/1.png\"></div><img src='https://cdn.test/2.png' alt='x'>",
        );
        assert_eq!(plain.images, ["https://cdn.test/1.png", "https://cdn.test/2.png"]);
        assert!(plain.text.starts_with("look"));
    }

    #[test]
    fn markup_that_is_nested_beyond_reason_still_gives_its_words() {
        for tag in ["<div>", "<b><a href=x>", "<table><tr><td>", "<ul><li>", "<blockquote>"] {
            let html = format!("hello &amp; {}goodbye", tag.repeat(5_000));
            assert_eq!(to_text(&html).text, "hello & goodbye", "{tag}");
        }
    }

    #[test]
    fn a_long_thread_of_quotes_is_no_hostile_nesting() {
        let quoted = format!(
            "{}old{}",
            "<blockquote><div>".repeat(40),
            "</div></blockquote>".repeat(40)
        );
        assert!(!nests_too_deeply(&quoted));
        assert!(!nests_too_deeply(&"<p>one<br>two".repeat(1_000)));
        assert!(to_text(&quoted).text.ends_with("old"));
    }

    #[test]
    fn the_deepest_tree_that_is_built_is_built_soon() {
        for tag in [
            "<div>",
            "<b>",
            "<b><i>",
            "<a href=x>",
            "<table><tr><td>",
            "<ul><li>",
            "<font><p>",
            "<blockquote>",
        ] {
            let nested = tag.repeat(MAX_OPEN / tag.matches('<').count());
            to_text(&format!("{nested}{}", "x<p>y".repeat(200)));
        }
    }
}
