//! Headless Chromium, driven as a person would use it.
