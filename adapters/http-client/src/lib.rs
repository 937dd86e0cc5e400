//! The one HTTP client of all provider adapters: time limits, failure classes, no secrets.
