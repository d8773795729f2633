//! `rum` as a library: a Universal Machine to embed, feed, run for a while, look at, and run on.
//!
//! ```
//! use rum::{Machine, MachineOptions, Options, Scripted, Stop, Vm};
//!
//! // r1 := 72; output r1; halt
//! let program = [0xd200_0048, 0xa000_0001, 0x7000_0000];
//! let machine = Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default())?;
//! let mut vm = Vm::new(machine, &Options::default())?;
//! assert!(matches!(vm.run(None), Stop::Halt));
//! assert_eq!(vm.machine().registers()[1], 72);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub use rum_interp::{
    About, AddressSpace, Console, Fault, FaultKind, Ids, ImageError, Machine, MachineOptions, NAMED_ALLOCS,
    OutOfMemory, Past, PollHandle, SNAPSHOT_MAGIC, Scripted, SetupError, Snapshot, SnapshotError, Stdio, Stop,
    WatchedWord, Word, decode_image, encode_image, fault, image, isa, tally,
};
pub use rum_jit::{
    BlockListing, CacheError, CodeObserver, CodePart, CodePlace, EngineError, EngineKind, Explanation, Listing,
    NewCode, Note, Optimisation, Options, Stats, Tier, Vm, is_compiler_thread, memory_is_short,
};

/// The example in the README is one of the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
