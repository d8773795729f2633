//! Tokens to statements: the course's grammar, and where it is asked for the extended one.
//!
//! The grammar is that of the course's assembler as its images show it, oddities included: a statement ends where its
//! grammar ends, not at the end of the line, so `halt halt` is two instructions; `reg + k` is one operand wherever an
//! operand may stand; some directives take whatever token comes next.
//!
//! `base` has the parser's state and the small steps, `definitions` what sources have defined so far; `operand` has operands and constants, `statement` the statements
//! of the plain dialect, `extended` the rest.

mod base;
mod definitions;
mod extended;
mod macros;
mod operand;
mod statement;

pub(crate) use base::Parser;
pub(crate) use definitions::Definitions;
