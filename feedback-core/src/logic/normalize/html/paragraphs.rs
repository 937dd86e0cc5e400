//! What people type into a chat, as plain text: paragraphs, line breaks, emphasis, links and entities. The tree of
//! elements costs five times as much as all the rest of a delivery, and says the same of these.
//!
//! It follows the tree's reader to the letter or gives up: a property compares the two on any markup.

use super::WIDTH;

/// The words, and the addresses of the links in them; `None` for any markup, entity or character beyond the usual ones.
pub(super) fn to_text(html: &str) -> Option<(String, Vec<&str>)> {
    if html.len() > WIDTH {
        return None;
    }
    let mut reader = Reader::default();
    reader.page.text.reserve(html.len());
    let mut rest = html;
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '<' => reader.tag(rest)?,
            '&' => {
                let (c, after) = entity(rest)?;
                reader.character(c)?;
                after
            }
            c => {
                reader.character(c)?;
                &rest[c.len_utf8()..]
            }
        };
    }
    let is_closed = reader.open.is_empty() && reader.place != Place::Paragraph;
    is_closed.then_some((reader.page.text, reader.links))
}

/// Where in the document the reader is. Words stand in paragraphs or in none at all; a mixture is the tree's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Paragraph,
    Between,
    Loose,
}

#[derive(Default)]
struct Reader<'h> {
    place: Place,
    /// A paragraph was opened and nothing stood in it yet; an empty one leaves no gap.
    is_block_due: bool,
    open: Vec<&'h str>,
    links: Vec<&'h str>,
    /// Where the words of the open link begin.
    link_words: usize,
    page: Page,
}

impl<'h> Reader<'h> {
    fn character(&mut self, c: char) -> Option<()> {
        if matches!(self.place, Place::Start | Place::Between) && matches!(c, ' ' | '\n' | '\t') {
            return Some(());
        }
        self.begin()?;
        self.page.push(c)
    }

    /// Something stands here.
    fn begin(&mut self) -> Option<()> {
        match self.place {
            Place::Between => return None,
            Place::Start => self.place = Place::Loose,
            Place::Paragraph | Place::Loose => {}
        }
        if std::mem::take(&mut self.is_block_due) {
            self.page.begin_block();
        }
        Some(())
    }

    fn tag(&mut self, html: &'h str) -> Option<&'h str> {
        let (tag, after) = html.strip_prefix('<')?.split_once('>')?;
        match tag {
            "p" if matches!(self.place, Place::Start | Place::Between) => {
                self.place = Place::Paragraph;
                self.is_block_due = true;
            }
            "/p" if self.place == Place::Paragraph && self.open.is_empty() => {
                self.place = Place::Between;
                self.is_block_due = false;
            }
            "br" | "br/" | "br /" => {
                self.begin()?;
                self.page.break_line();
            }
            "b" | "strong" | "i" | "em" => {
                self.begin()?;
                self.open.push(tag);
            }
            "/b" | "/strong" | "/i" | "/em" | "/a" => {
                if self.open.pop()? != &tag[1..] {
                    return None;
                }
                if tag == "/a" {
                    self.end_link()?;
                }
            }
            _ => self.begin_link(tag.strip_prefix("a ")?)?,
        }
        Some(after)
    }

    fn begin_link(&mut self, attributes: &'h str) -> Option<()> {
        if self.open.contains(&"a") {
            return None;
        }
        let mut rest = attributes;
        let mut address = None;
        while !rest.is_empty() {
            let (name, quoted) = rest.split_once("=\"")?;
            let (value, after) = quoted.split_once('"')?;
            if value.contains(['&', '<']) {
                return None;
            }
            match name {
                "href" if address.is_none() && is_plain_address(value) => address = Some(value),
                "target" | "rel" | "class" => {}
                _ => return None,
            }
            rest = match after.strip_prefix(' ') {
                Some(more) => more,
                None if after.is_empty() => after,
                None => return None,
            };
        }
        self.begin()?;
        self.open.push("a");
        self.links.push(address?);
        self.link_words = self.page.text.len();
        Some(())
    }

    /// A link's address follows its words; one without words is no link to the tree.
    fn end_link(&mut self) -> Option<()> {
        if self.page.text.get(self.link_words..)?.trim().is_empty() {
            return None;
        }
        let address = *self.links.last()?;
        for c in [" (", address, ")"].into_iter().flat_map(str::chars) {
            self.page.push(c)?;
        }
        Some(())
    }
}

fn is_plain_address(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Lines as they fill: white space collapses, and stands neither at the beginning nor at the end of one.
#[derive(Default)]
struct Page {
    text: String,
    line_start: usize,
    is_space_due: bool,
    /// The last character takes room, so that one that takes none may follow it.
    is_in_word: bool,
    has_words: bool,
}

impl Page {
    fn push(&mut self, c: char) -> Option<()> {
        match c {
            ' ' | '\n' | '\t' => {
                self.is_space_due = self.text.len() > self.line_start;
                self.is_in_word = false;
                return Some(());
            }
            // Takes its room, wherever it stands.
            '\u{a0}' => self.write(' '),
            c if takes_room(c) => self.write(c),
            c if self.is_in_word && !is_dropped(c) => self.write(c),
            _ => return None,
        }
        self.is_in_word = true;
        Some(())
    }

    fn write(&mut self, c: char) {
        if std::mem::take(&mut self.is_space_due) {
            self.text.push(' ');
        }
        self.text.push(c);
    }

    fn end_line(&mut self) {
        if self.text.len() > self.line_start {
            self.has_words = true;
            self.new_line();
        }
        (self.is_space_due, self.is_in_word) = (false, false);
    }

    fn break_line(&mut self) {
        if self.text.len() == self.line_start {
            self.new_line();
        }
        self.end_line();
    }

    fn begin_block(&mut self) {
        self.end_line();
        if self.has_words {
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        self.line_start = self.text.len();
    }
}

/// Characters that surely take room in a line. Which others do is a matter of tables that the tree's reader has.
fn takes_room(c: char) -> bool {
    matches!(c,
        '!'..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{24f}' | '\u{391}'..='\u{3c9}' | '\u{400}'..='\u{481}'
        | '\u{2013}'..='\u{201e}' | '\u{2022}' | '\u{2026}' | '\u{20ac}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{1f300}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6c5}')
}

/// Characters that the tree's reader drops, or takes for white space.
fn is_dropped(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')
}

/// The character of an entity, and what stands behind it. An `&` before white space is just that.
fn entity(html: &str) -> Option<(char, &str)> {
    let rest = html.strip_prefix('&')?;
    if rest.starts_with([' ', '\n', '\t']) {
        return Some(('&', rest));
    }
    let end = rest.bytes().take(MAX_NAME_BYTES + 1).position(|byte| byte == b';')?;
    let (name, after) = (&rest[..end], &rest[end + 1..]);
    let c = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, after))
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok()?,
        None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok()?,
        _ => return None,
    };
    // Browsers read the controls behind 0x7f as an old code page.
    char::from_u32(code).filter(|c| !c.is_control())
}

/// Longest name of an entity that is known here.
const MAX_NAME_BYTES: usize = 8;

/// Entities by name, the ones that editors write first.
const NAMES: [(&str, char); 33] = [
    ("nbsp", '\u{a0}'),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("aacute", 'á'),
    ("eacute", 'é'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
    ("uacute", 'ú'),
    ("ntilde", 'ñ'),
    ("uuml", 'ü'),
    ("iquest", '¿'),
    ("iexcl", '¡'),
    ("Aacute", 'Á'),
    ("Eacute", 'É'),
    ("Iacute", 'Í'),
    ("Oacute", 'Ó'),
    ("Uacute", 'Ú'),
    ("Ntilde", 'Ñ'),
    ("Uuml", 'Ü'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("euro", '€'),
    ("deg", '°'),
];

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::{
        super::{by_tree, finish},
        *,
    };

    fn words(html: &str) -> Option<String> {
        to_text(html).map(|(text, links)| finish(&text, links))
    }

    #[test]
    fn what_people_type_is_read_without_the_tree() {
        for (html, text) in [
            ("<p>one</p>\n<p>two &amp; three</p>", "one\n\ntwo & three"),
            ("one<br>two<br/><br />four", "one\ntwo\n\nfour"),
            (
                "<p>20&nbsp;&euro;  is\nall</p><p></p><p> </p><p>x</p>",
                "20 € is all\n\n\nx",
            ),
            ("<p>it <b>is <i>all</i></b>ways &#39;so&#x27;</p>", "it is allways 'so'"),
            (
                "<p>see <a href=\"https://x.test/a\" target=\"_blank\">this page</a>.</p>",
                "see this page (https://x.test/a).",
            ),
            (
                "<p><a href=\"https://x.test\" rel=\"nofollow noopener\">https://x.test</a></p>",
                "https://x.test",
            ),
            ("<p>no anda 😭👍🏽 &iexcl;ya!</p>", "no anda 😭👍🏽 ¡ya!"),
        ] {
            assert_eq!(words(html).as_deref(), Some(text), "{html}");
        }
    }

    #[test]
    fn anything_unusual_is_left_to_the_tree() {
        for html in [
            "<p>unclosed",
            "<p>a</p>b",
            "a<p>b</p>",
            "<p><b>a</p></b>",
            "<p>a<p>b</p></p>",
            "<ul><li>a</li></ul>",
            "<p class=\"x\">a</p>",
            "<a href=\"x\"> </a>",
            "<a href=\"x\" href=\"y\">a</a>",
            "<a id=\"x\" href=\"y\">a</a>",
            "&copy;",
            "AT&T",
            "&#128;",
            "&#0;",
            "a\u{200b}b",
            "a\rb",
            "a\u{2003}b",
            "\u{301}a",
        ] {
            assert_eq!(to_text(html), None, "{html:?}");
        }
    }

    fn piece() -> impl Strategy<Value = &'static str> {
        let written = vec![
            "word",
            "ñandú",
            "x",
            "1.",
            " ",
            " ",
            "  ",
            "\n",
            "\t",
            "<br>",
            "<br/>",
            "<br />",
            "&nbsp;",
            "\u{a0}",
            "&amp;",
            "&lt;b&gt;",
            "&oacute;",
            "&#39;",
            "&#x1F600;",
            "& ",
            "&",
            "😭",
            "👍🏽",
            "e\u{301}",
            "\u{301}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{200b}",
            "\u{ad}",
            "日本",
            "€",
            "&copy;",
            "&copy",
            "&#32;",
            "&#10;",
            "\r\n",
            "\u{3000}",
            "https://x.test",
            "(https://x.test)",
        ];
        let marks = vec![
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<strong>",
            "</strong>",
            "<em>",
            "</em>",
            "</a>",
            "<a href=\"https://x.test\">",
            "<a href=\"https://x.test\" target=\"_blank\">",
            "<a href=\"\">",
            "<p>",
            "</p>",
            "</p><p>",
            "</p> <p>",
            "</p>\n\n<p>",
            "<span>",
            "</span>",
            "<div>",
            "</div>",
        ];
        prop_oneof![3 => select(written), 1 => select(marks)]
    }

    /// Markup that nests as it should, so that not everything is left to the tree.
    fn inline() -> impl Strategy<Value = String> {
        let leaf = prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat());
        leaf.prop_recursive(2, 12, 4, |inner| {
            let wraps = select(vec![
                ("<b>", "</b>"),
                ("<em>", "</em>"),
                ("<a href=\"https://x.test\">", "</a>"),
                ("", "<br>"),
            ]);
            prop::collection::vec((wraps, inner), 0..4).prop_map(|parts| {
                parts
                    .iter()
                    .map(|((start, end), words)| format!("{start}{words}{end}"))
                    .collect()
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn whatever_is_read_without_the_tree_the_tree_reads_the_same(
            paragraphs in prop::collection::vec(inline(), 1..4),
            is_loose in any::<bool>(),
        ) {
            let html = if is_loose { paragraphs.join("<br>") } else { format!("<p>{}</p>", paragraphs.join("</p>\n<p>")) };
            if let Some(text) = words(&html) {
                prop_assert_eq!(text, by_tree(&html).text, "{}", html);
            }
        }

        #[test]
        fn any_letter_is_read_as_the_tree_reads_it(c in any::<char>(), is_alone in any::<bool>()) {
            let html = if is_alone { format!("<p>a {c} b<br>{c}<br>c</p>") } else { format!("<p>a{c}b<br>d{c} c</p>") };
            if let Some(text) = words(&html) {
                prop_assert_eq!(text, by_tree(&html).text, "{:?}", html);
            }
        }
    }
}
