//! Emission: CLIF for what every tier needs, whatever it knows about the program. No optimiser is in here.
//!
//! An [`Emitter`] is a function under construction. It knows how a unit is entered and left, how it goes on in another unit, how it
//! asks the host for something, and ([`layout`]) where everything in the state is. Who uses it says which values go in; it keeps
//! none itself. A tier that translates one instruction after the other, with every register at home, needs nothing else.
//!
//! - `layout.rs` registers, segments, length bytes, the current run, output: the only file that emits addresses
//! - `checks.rs` going on or leaving, the countdown, the poll word, the limit on instructions
//! - `ends.rs` returns, and jumps to other units through the table of entries
//! - `calls.rs` calls to stubs
//! - `tally.rs` counting for a profile

mod calls;
mod checks;
mod emitter;
mod ends;
pub(crate) mod layout;
#[cfg(test)]
mod plain;
mod tally;

pub(crate) use self::calls::stub_signature;
pub(crate) use self::emitter::{Emitter, trusted, unit_signature};
