//! The words that fields may hold, for the description: taken from the domain, so that they cannot differ from it.

use std::borrow::Cow;

use feedback_core::domain::{ChangelogStatus, Channel, NotificationStatus, Priority, TicketStatus, TicketType};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

macro_rules! words {
    ($($name:ident as $shown:literal = $all:expr;)*) => {$(
        /// Names a schema; there are no values of it.
        pub(super) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = $all.into_iter().map(|word| word.as_str());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($shown)
            }
        }
    )*};
}

words! {
    TicketStatusWord as "TicketStatus" = TicketStatus::ALL;
    TicketTypeWord as "TicketType" = TicketType::ALL;
    PriorityWord as "Priority" = Priority::ALL;
    ChannelWord as "Channel" = Channel::ALL;
    ChangelogStatusWord as "ChangelogStatus" = ChangelogStatus::ALL;
    NotificationStatusWord as "NotificationStatus" = NotificationStatus::ALL;
}
