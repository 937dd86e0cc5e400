//! Email addresses, plain and spelled out.

use super::{
    Label,
    view::{Claims, View, is_alnum},
};

/// Marks every email address.
pub(super) fn find(view: &View<'_>, claims: &mut Claims) {
    for at in 0..view.len() {
        if view.low[at] != b'@' {
            continue;
        }
        let mut start = at;
        while start > 0 && is_local(view.low[start - 1]) {
            start -= 1;
        }
        let mut end = at + 1;
        while is_alnum(view.byte(end)) || matches!(view.byte(end), b'.' | b'-') {
            end += 1;
        }
        while end > at + 1 && !is_alnum(view.low[end - 1]) {
            end -= 1;
        }
        if start < at && view.low[at + 1..end].contains(&b'.') {
            claims.hide(start, end, Label::Email);
        }
    }
}

fn is_local(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%')
}
