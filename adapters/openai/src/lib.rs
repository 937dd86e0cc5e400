//! OpenAI-compatible servers: triage, drafts, embeddings.
