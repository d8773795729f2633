//! Statements to words: what each macro instruction expands to.
//!
//! The expansions, down to which temporary is taken when, are those of the course's assembler. In this file: state,
//! literals, loading and storing. `arithmetic` has the operators, `flow` jumps and conditions, `procedure` the stack and
//! the extended dialect's procedures.

mod arithmetic;
mod flow;
mod frame;
mod generator;
mod procedure;

pub(crate) use generator::Generator;
