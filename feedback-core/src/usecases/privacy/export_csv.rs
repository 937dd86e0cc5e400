use super::ExportedReporter;

/// Columns of the table.
const HEADER: [&str; 6] = ["what", "ticket", "channel", "at", "state", "text"];

/// The same copy as one table, for people with a spreadsheet: a row for each address, report, message, file and
/// notification.
///
/// A cell that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, tab or carriage return in front) begins with an
/// apostrophe.
pub fn to_csv(exported: &ExportedReporter) -> String {
    let mut table = Table::default();
    table.row(HEADER);
    let facts = [
        ("name", &exported.names),
        ("email", &exported.emails),
        ("phone", &exported.phones),
    ];
    for (what, values) in facts {
        for value in values {
            table.row([what, "", "", "", "", value]);
        }
    }
    for identity in &exported.identities {
        let at = identity.last_message_at.map(|at| at.to_string()).unwrap_or_default();
        let state = if identity.opted_out_at.is_some() {
            "opted out"
        } else {
            ""
        };
        let id = identity.external_user_id.as_deref().unwrap_or_default();
        table.row(["address", "", identity.channel.as_str(), &at, state, id]);
    }
    for ticket in &exported.tickets {
        let number = ticket.number.to_string();
        let text = ticket.text.as_deref().unwrap_or(&ticket.title);
        let at = ticket.created_at.to_string();
        table.row(["report", &number, "", &at, ticket.status.as_str(), text]);
        for message in &ticket.messages {
            let (channel, at) = (message.channel.as_str(), message.sent_at.to_string());
            table.row(["message", &number, channel, &at, "", &message.text]);
            for file in &message.files {
                table.row(["file", &number, channel, &at, "", file]);
            }
        }
    }
    for notification in &exported.notifications {
        let at = notification.sent_at.map(|at| at.to_string()).unwrap_or_default();
        let text = notification.text.as_deref().unwrap_or_default();
        let (channel, state) = (notification.channel.as_str(), notification.status.as_str());
        table.row(["notification", "", channel, &at, state, text]);
    }
    table.text
}

/// RFC 4180: every cell in quotes, quotes doubled, lines ended by CR LF.
#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, cells: [&str; 6]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.text.push('"');
            if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                self.text.push('\'');
            }
            self.text.push_str(&cell.replace('\0', "").replace('"', "\"\""));
            self.text.push('"');
        }
        self.text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_ends_early() {
        let mut table = Table::default();
        table.row(["=1+1", "+54 11", "-x", "@all", "say \"hi\"\nthere", "\t=cmd"]);
        assert_eq!(
            table.text,
            "\"'=1+1\",\"'+54 11\",\"'-x\",\"'@all\",\"say \"\"hi\"\"\nthere\",\"'\t=cmd\"\r\n"
        );
    }
}
