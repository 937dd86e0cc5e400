use super::State;
use crate::domain::{Erasure, IdentityId, Ticket, TicketGroup, TicketId};

impl State {
    /// What `Write::EraseReporter` promises, row by row.
    pub(super) fn erase(&mut self, erasure: Erasure) {
        let at = erasure.at;
        if !self.erasures.iter().any(|known| known.reporter == erasure.reporter) {
            self.erasures.push(erasure);
        }
        let Some(reporter) = self
            .reporters
            .get_mut(&erasure.reporter)
            .filter(|r| r.erased_at.is_none())
        else {
            return;
        };
        *reporter = reporter.clone().erased(at);
        reporter.version += 1;
        let mut identities: Vec<IdentityId> = Vec::new();
        for identity in self.identities.values_mut().filter(|i| i.reporter == erasure.reporter) {
            *identity = identity.clone().erased(at);
            identity.version += 1;
            identities.push(identity.id);
        }
        let theirs = |ticket: &&Ticket| ticket.reporter == erasure.reporter;
        let tickets: Vec<TicketId> = self.tickets.values().filter(theirs).map(|ticket| ticket.id).collect();
        self.forget_texts_of(&tickets);
        let mut sources = Vec::new();
        for source in &mut self.sources {
            if tickets.contains(&source.ticket) || identities.contains(&source.author) {
                *source = source.clone().without_content();
                sources.push(source.id);
            }
        }
        for file in self
            .attachments
            .values_mut()
            .filter(|file| sources.contains(&file.source))
        {
            *file = file.clone().erased();
        }
        for notification in self.notifications.values_mut() {
            if notification.reporter == erasure.reporter {
                *notification = notification.clone().erased(at);
                notification.version += 1;
            }
        }
    }

    /// The texts of tickets, and what was made of them.
    pub(super) fn forget_texts_of(&mut self, tickets: &[TicketId]) {
        for id in tickets {
            let Some(ticket) = self.tickets.get_mut(id) else {
                continue;
            };
            let of = |group: &&mut TicketGroup| group.primary == *id || ticket.group == Some(group.id);
            for group in self.groups.values_mut().filter(of) {
                let bare = group.clone().without_title_of(ticket);
                if *group != bare {
                    *group = bare;
                    group.version += 1;
                }
            }
            *ticket = ticket.clone().without_content();
            ticket.version += 1;
        }
        self.vectors.retain(|vector| !tickets.contains(&vector.ticket));
        for link in self.links.values_mut() {
            if tickets.contains(&link.ticket) || tickets.contains(&link.original) {
                *link = link.clone().without_content();
            }
        }
    }
}
