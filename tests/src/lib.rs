//! Whole journeys, over every storage and in a real browser.
