//! Meta's shapes, as far as they are used.

use serde::{Deserialize, Serialize};

/// The body of a message. `recipient_type` and `policy` are optional for the API, but its published specification asks for
/// them.
#[derive(Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) messaging_product: &'static str,
    pub(crate) recipient_type: &'static str,
    /// A phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<&'a str>,
    /// A business-scoped user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recipient: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<Context<'a>>,
    pub(crate) biz_opaque_callback_data: &'a str,
}

/// What is sent.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Content<'a> {
    Text { text: Text<'a> },
    Template { template: Template<'a> },
}

/// Free text.
#[derive(Serialize)]
pub(crate) struct Text<'a> {
    pub(crate) body: &'a str,
    pub(crate) preview_url: bool,
}

/// A template with its gaps filled.
#[derive(Serialize)]
pub(crate) struct Template<'a> {
    pub(crate) name: &'a str,
    pub(crate) language: Language<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) components: Vec<Component<'a>>,
}

/// The language of a template, exact.
#[derive(Serialize)]
pub(crate) struct Language<'a> {
    pub(crate) policy: &'static str,
    pub(crate) code: &'a str,
}

/// A part of a template.
#[derive(Serialize)]
pub(crate) struct Component<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) parameters: Vec<Parameter<'a>>,
}

/// What fills a gap.
#[derive(Serialize)]
pub(crate) struct Parameter<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) text: &'a str,
}

/// The message that is quoted.
#[derive(Serialize)]
pub(crate) struct Context<'a> {
    pub(crate) message_id: &'a str,
}

/// The answer to a message: accepted, not delivered.
#[derive(Deserialize)]
pub(crate) struct Accepted {
    pub(crate) messages: Vec<AcceptedMessage>,
}

/// A message that was accepted.
#[derive(Deserialize)]
pub(crate) struct AcceptedMessage {
    pub(crate) id: String,
}

/// What a refused request answers.
#[derive(Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: GraphError,
}

/// Why. Messages and details may repeat an address and are left where they are.
#[derive(Deserialize)]
pub(crate) struct GraphError {
    pub(crate) code: i64,
    pub(crate) error_subcode: Option<i64>,
    #[serde(default)]
    pub(crate) is_transient: bool,
}

/// One of our numbers.
#[derive(Deserialize)]
pub(crate) struct Number {
    pub(crate) display_phone_number: Option<String>,
    pub(crate) verified_name: Option<String>,
    pub(crate) quality_rating: Option<String>,
}

/// Where a received file is.
#[derive(Deserialize)]
pub(crate) struct Media {
    pub(crate) url: String,
}

/// Part of the account's templates.
#[derive(Deserialize)]
pub(crate) struct TemplatePage {
    pub(crate) data: Vec<ListedTemplate>,
    #[serde(default)]
    pub(crate) paging: Paging,
}

/// Where the next part begins.
#[derive(Default, Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    pub(crate) cursors: Cursors,
    /// Absent on the last page.
    pub(crate) next: Option<String>,
}

/// Meta's cursors.
#[derive(Default, Deserialize)]
pub(crate) struct Cursors {
    pub(crate) after: Option<String>,
}

/// One template in one language.
#[derive(Deserialize)]
pub(crate) struct ListedTemplate {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) components: Vec<ListedComponent>,
}

/// A header, the body, a footer, or buttons.
#[derive(Deserialize)]
pub(crate) struct ListedComponent {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) format: Option<String>,
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) buttons: Vec<Button>,
}

/// A button; one with a gap in its address wants a parameter.
#[derive(Deserialize)]
pub(crate) struct Button {
    pub(crate) url: Option<String>,
}
