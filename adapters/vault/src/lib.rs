//! Sealing at rest: a key ring, a key for each reporter, blind indexes.
