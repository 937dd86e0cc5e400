//! WhatsApp Business Cloud API: session messages and templates.
