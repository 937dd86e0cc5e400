//! Addresses as spans and logs may show them.

use reqwest::Url;

/// The address without credentials, query and fragment, and with `_` in place of ids: what is left names the call, not the
/// person, and there are few different ones.
///
/// ```
/// # use feedback_http_client::{Url, redacted};
/// let url = Url::parse("https://u:p@api.example/v1/conversations/900100/reply?x=secret#y").unwrap();
/// assert_eq!(redacted(&url), "https://api.example/v1/conversations/_/reply");
/// ```
pub fn redacted(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let mut shown = format!("{}://{host}", url.scheme());
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    for segment in url.path_segments().into_iter().flatten() {
        shown.push('/');
        shown.push_str(if may_be_id(segment) { "_" } else { segment });
    }
    shown
}

/// Names of methods and versions have few digits and no escapes; ids are long, or mostly digits.
fn may_be_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    segment.contains('%') || segment.contains('@') || digits >= 4 || (digits > 0 && segment.len() > 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_stay_and_ids_go() {
        let rows = [
            (
                "https://slack.com/api/chat.postMessage?token=x",
                "https://slack.com/api/chat.postMessage",
            ),
            (
                "https://graph.facebook.com/v23.0/106540352242922/messages",
                "https://graph.facebook.com/v23.0/_/messages",
            ),
            (
                "http://127.0.0.1:9/v1/data_sources/2222-22/query",
                "http://127.0.0.1:9/v1/data_sources/_/query",
            ),
            (
                "https://api.intercom.io/contacts/a9ebcdefabcdefabcdefabcd",
                "https://api.intercom.io/contacts/_",
            ),
            (
                "https://api.example/contacts/ana@example.test",
                "https://api.example/contacts/_",
            ),
        ];
        for (url, shown) in rows {
            assert_eq!(redacted(&Url::parse(url).unwrap()), shown);
        }
    }
}
