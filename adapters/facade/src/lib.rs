//! One additive feature for each adapter, re-exported by name.
