//! Notion: the engineers' board.
