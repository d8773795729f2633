//! The guest's code as the translator sees it.

pub(crate) mod met;
