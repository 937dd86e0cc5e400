//! Triage, drafts and embeddings without any network.
