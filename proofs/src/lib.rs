//! Proves that what the optimising tier makes of a unit is what the operators make of its words.

mod address;
mod claim;
mod collect;
mod effects;
mod events;
mod guest;
mod heads;
mod layout;
mod log;
mod machine;
mod mutate;
mod operators;
#[cfg(test)]
mod rules;
mod run;
mod simplify;
mod solver;
mod term;
mod text;
mod unit;

pub use collect::{Course, Unit};
pub use mutate::{Kind, Mutant, mutants};
pub use solver::{Answer, is_there_for};
pub use unit::{Open, Patience, Proof, prove, prove_json};
