//! The Universal Machine (UM-32) and its meaning.
//!
//! This crate *is* the definition of the machine that `rum` runs: decoding, segments, faults, the console, and the
//! baseline interpreter. Other engines are caches of what is defined here; what they need of a machine is in [`engine`].
//!
//! # The machine in a page
//!
//! Eight registers of 32 bits; segments of 32-bit words, named by 32-bit identifiers; segment 0 holds the program and
//! the *pc* says which of its words is executed next. Fourteen operators ([`isa::Op`]). What the specification leaves
//! open is settled so:
//!
//! - every case in which "the machine may fail" is a [`Fault`]: it names the pc, the instruction and the values, and the
//!   faulting instruction has had no effect and is not counted;
//! - identifiers follow from the order of allocs and abandons alone; [`Ids`] says how;
//! - output may be buffered, but is written before input is waited for, on every stop, and when asked for.
//!
//! # Invariants
//!
//! - A store into segment 0 resets what was derived from the word before the next instruction is executed
//!   (`program.rs`).
//! - All memory of segments lies in one reserved range, and each access is checked (`memory/`).
//! - Safe code cannot break any of this: what could (a machine's state, to be changed) takes an `unsafe` call.
//! - `step.rs` has the full meaning of every operator; the loop in `run.rs` has only its quick cases.
//!
//! ```
//! use rum_interp::{Machine, MachineOptions, Scripted, Stop};
//!
//! // r1 := 72; output r1; halt
//! let program = [0xd200_0048, 0xa000_0001, 0x7000_0000];
//! let mut machine = Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default())?;
//! assert!(matches!(machine.run(None), Stop::Halt));
//! assert_eq!((machine.executed(), machine.registers()[1]), (Some(3), 72));
//! # Ok::<(), rum_interp::SetupError>(())
//! ```

#[cfg(not(target_pointer_width = "64"))]
compile_error!("rum reserves address space for every 32-bit identifier: it needs a 64-bit host");

pub mod console;
mod debug;
mod decode;
pub mod engine;
mod entries;
pub mod fault;
mod guest;
mod heat;
pub mod host;
pub mod image;
mod input;
pub mod isa;
mod machine;
pub mod memory;
mod once;
mod output;
mod pack;
mod pages;
mod poll;
mod probe;
mod program;
mod reserve;
mod run;
mod snapshot;
mod state;
mod step;
mod stop;
pub mod tally;
mod timer;
mod view;
mod watch;

pub use console::{Console, Scripted, Stdio};
pub use fault::{Fault, FaultKind, Past};
pub use image::{ImageError, SNAPSHOT_MAGIC, decode_image, encode_image};
pub use isa::Word;
pub use machine::{Machine, MachineOptions, SetupError};
pub use memory::{AddressSpace, Ids, NAMED_ALLOCS, OutOfMemory};
pub use pack::SnapshotError;
pub use poll::PollHandle;
pub use probe::WatchedWord;
pub use snapshot::{About, Snapshot};
pub use stop::Stop;
pub use timer::Timer;
