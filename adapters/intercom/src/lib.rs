//! Intercom: replies in conversations, who a contact is.
