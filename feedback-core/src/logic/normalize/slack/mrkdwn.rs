//! Slack's markup as plain text: its three escapes, and references in angle brackets.

use super::super::wire::clean;

/// The words of a marked-up text. A mention of one of `own_users` at either end addresses us and says nothing, so it goes.
pub(super) fn to_text(marked: &str, own_users: &[&str]) -> String {
    let mut marked = marked.trim();
    loop {
        let shorter = own_users.iter().find_map(|user| without_mention(marked, user));
        match shorter {
            Some(shorter) => marked = shorter,
            None => break,
        }
    }
    if !marked.bytes().any(|byte| matches!(byte, b'<' | b'&')) {
        return clean(marked);
    }
    let mut text = String::with_capacity(marked.len());
    let mut rest = marked;
    while let Some(start) = rest.find('<') {
        let (before, reference) = rest.split_at(start);
        push_unescaped(&mut text, before);
        match reference.find('>') {
            Some(end) => {
                text.push_str(&resolve(&reference[1..end]));
                rest = &reference[end + 1..];
            }
            None => {
                text.push('<');
                rest = &reference[1..];
            }
        }
    }
    push_unescaped(&mut text, rest);
    clean(&text)
}

fn without_mention<'t>(marked: &'t str, user: &str) -> Option<&'t str> {
    if user.is_empty() {
        return None;
    }
    if let Some((mention, rest)) = marked.strip_prefix("<@").and_then(|rest| rest.split_once('>'))
        && id_of(mention) == user
    {
        return Some(rest.trim_start_matches([' ', ':', ',', '\n', '\u{a0}']));
    }
    let (rest, mention) = marked.strip_suffix('>')?.rsplit_once("<@")?;
    (id_of(mention) == user).then(|| rest.trim_end())
}

fn id_of(reference: &str) -> &str {
    reference.split_once('|').map_or(reference, |(id, _)| id)
}

/// The people that a marked-up text mentions, in order.
pub(super) fn mentions(marked: &str) -> impl Iterator<Item = &str> {
    marked
        .split("<@")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(mention, _)| id_of(mention))
}

/// What stands between angle brackets.
fn resolve(reference: &str) -> String {
    let (target, label) = match reference.split_once('|') {
        Some((target, label)) => (target, unescape(label)),
        None => (reference, String::new()),
    };
    let named = |sign: &str, id: &str| {
        let name = if label.is_empty() { id } else { &label };
        format!("{sign}{}", name.trim_start_matches(sign))
    };
    if let Some(user) = target.strip_prefix('@') {
        return named("@", user);
    }
    if let Some(channel) = target.strip_prefix('#') {
        return named("#", channel);
    }
    if let Some(special) = target.strip_prefix('!') {
        return match special.split_once('^') {
            Some(("subteam", group)) => named("@", group),
            Some(("date", _)) => label,
            _ => named("@", special),
        };
    }
    let address = unescape(target);
    let bare = address
        .strip_prefix("mailto:")
        .or(address.strip_prefix("tel:"))
        .unwrap_or(&address);
    match label.as_str() {
        "" => bare.to_owned(),
        label if label == bare || label == address => label.to_owned(),
        // Slack writes `<http://example.test|example.test>` for what a person typed as `example.test`.
        label
            if bare
                .split_once("://")
                .is_some_and(|(_, rest)| rest.trim_end_matches('/') == label) =>
        {
            label.to_owned()
        }
        label => format!("{label} ({bare})"),
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    push_unescaped(&mut plain, text);
    plain
}

fn push_unescaped(plain: &mut String, mut rest: &str) {
    // One pass, so that `&amp;lt;` stays a person's `&lt;`.
    while let Some((before, escaped)) = rest.split_once('&') {
        plain.push_str(before);
        let known = [("amp;", '&'), ("lt;", '<'), ("gt;", '>')];
        let found = known
            .iter()
            .find_map(|(name, sign)| Some((*sign, escaped.strip_prefix(name)?)));
        let (sign, after) = found.unwrap_or(('&', escaped));
        plain.push(sign);
        rest = after;
    }
    plain.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_resolves_to_what_a_person_reads() {
        for (marked, text) in [
            ("plain", "plain"),
            ("VPN &amp; Wi-Fi", "VPN & Wi-Fi"),
            ("a &lt; b &gt; c", "a < b > c"),
            ("&amp;lt;", "&lt;"),
            ("ask <@U0DANA|dana> or <@U0EVE>", "ask @dana or @U0EVE"),
            ("in <#C0SUPPORT|support> or <#C0X>", "in #support or #C0X"),
            (
                "<!here> <!channel|channel> <!subteam^S01|@ops> <!subteam^S02>",
                "@here @channel @ops @S02",
            ),
            ("<!date^1767225600^{date}|Jan 1>", "Jan 1"),
            (
                "<https://x.test/a?b=1&amp;c=2|the page>",
                "the page (https://x.test/a?b=1&c=2)",
            ),
            ("<https://x.test/>", "https://x.test/"),
            ("<http://x.test|x.test>", "x.test"),
            (
                "<mailto:a@b.test|a@b.test> <tel:+15550100|+15550100>",
                "a@b.test +15550100",
            ),
            ("1 < 2", "1 < 2"),
            ("<unclosed", "<unclosed"),
            ("<>", ""),
            ("<|>", ""),
            ("", ""),
        ] {
            assert_eq!(to_text(marked, &[]), text, "{marked}");
        }
    }

    #[test]
    fn our_name_at_either_end_is_no_part_of_the_report() {
        for marked in [
            "<@U0BOT> VPN down",
            "VPN down <@U0BOT>",
            "<@U0BOT|hub>: VPN down",
            "<@U0BOT> <@U0BOT> VPN down",
        ] {
            assert_eq!(to_text(marked, &["U0BOT"]), "VPN down", "{marked}");
        }
        assert_eq!(to_text("did <@U0BOT> see it", &["U0BOT"]), "did @U0BOT see it");
        assert_eq!(to_text("<@U0BOT>", &["U0BOT", ""]), "");
    }

    #[test]
    fn mentions_are_found_with_and_without_names() {
        assert_eq!(mentions("<@U1> and <@U2|eve> <@U3").collect::<Vec<_>>(), ["U1", "U2"]);
    }
}
