//! How to test an adapter (the conformance suites of its ports) and a host (fakes with the real contract).

pub mod conformance;
