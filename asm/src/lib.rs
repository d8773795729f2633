//! Macro assembler and disassembler for the Universal Machine (UM-32).
//!
//! [`assemble`] understands the assembly language of Tufts University's course on machine structure, in both of its
//! spellings, and produces the same words as the course's own assembler. With [`Options::extended`] it understands more:
//! constants and expressions, macros, includes, procedures, comparisons that are right for all operands.
//!
//! ```
//! use rum_asm::{Options, Source, assemble};
//!
//! let source = Source::new("hi.ums", "output \"hi\\n\" using r1\nhalt\n");
//! let assembly = assemble(&[source], &Options::default()).unwrap();
//! assert_eq!(assembly.words.len(), 7);
//! ```

#![forbid(unsafe_code)]

mod assemble;
mod ast;
mod closest;
mod codegen;
mod diagnostic;
mod disasm;
mod lexer;
mod link;
mod listing;
mod options;
mod parser;
mod pool;
mod source;
mod stream;
mod token;

pub use assemble::{Assembly, LabelPlace, LinePlace, Section, assemble};
pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use disasm::{DisasmOptions, disassemble, umdump};
pub use listing::{SYMBOLS_VERSION, Symbols};
pub use options::Options;
pub use source::Source;
