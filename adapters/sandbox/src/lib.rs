//! The providers' side on loopback, for demo, tests and embedders.
