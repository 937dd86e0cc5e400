//! What it costs, beside what it could cost.
