//! Slack: replies in threads, who a user is.
