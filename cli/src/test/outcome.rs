//! What came of a test. A leaf.

use std::time::Duration;

/// What came of a test.
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Why it failed, if it did: a line, and what more there is to see.
    pub failed: Option<(String, String)>,
    /// How long it took.
    pub time: Duration,
}
