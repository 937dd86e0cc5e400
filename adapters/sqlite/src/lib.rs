//! Storage, queries and job queue in one SQLite file.
