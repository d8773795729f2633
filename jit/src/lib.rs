//! The translator.
