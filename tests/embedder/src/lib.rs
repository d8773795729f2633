//! What safe code of an embedder can do to a machine, and what it cannot.
//!
//! Each attempt below once ended in a crash. Now it does not compile; beside it stands the same text without the one line,
//! which does, so that it fails for that line.
//!
//! **Two machines change places under their engines.** An engine's code is made for one machine. It can be looked at, but not
//! taken away:
//! ```compile_fail
//! let (mut one, mut other) = (rum_embedder::vm(&[0x7000_0000]), rum_embedder::vm(&[0x7000_0000]));
//! std::mem::swap(one.machine_mut(), other.machine_mut());
//! one.run(None);
//! ```
//! ```
//! let (mut one, mut other) = (rum_embedder::vm(&[0x7000_0000]), rum_embedder::vm(&[0x7000_0000]));
//! std::mem::swap(&mut one, &mut other);
//! one.run(None);
//! ```
//!
//! **The length of the program is changed.**
//! ```compile_fail
//! let mut machine = rum_embedder::machine(&[0x7000_0000]);
//! machine.state_mut().memory.program_len = 1 << 30;
//! machine.run(None);
//! ```
//! ```compile_fail
//! # #![forbid(unsafe_code)]
//! let mut machine = rum_embedder::machine(&[0x7000_0000]);
//! unsafe { machine.state_mut() };
//! machine.run(None);
//! ```
//! ```
//! # #![forbid(unsafe_code)]
//! let mut machine = rum_embedder::machine(&[0x7000_0000]);
//! assert_eq!(machine.state().memory().program_len(), 1);
//! machine.run(None);
//! ```
//!
//! **The segments are somewhere else.**
//! ```compile_fail
//! let mut memory = rum_interp::memory::Memory::new(&rum::MachineOptions::default().memory()).unwrap();
//! memory.segments.data = std::ptr::null_mut();
//! memory.alloc(5).unwrap();
//! ```
//! ```
//! let mut memory = rum_interp::memory::Memory::new(&rum::MachineOptions::default().memory()).unwrap();
//! memory.alloc(5).unwrap();
//! ```
//!
//! **There are more identifiers than there is room.**
//! ```compile_fail
//! let mut memory = rum_interp::memory::Memory::new(&rum::MachineOptions::default().memory()).unwrap();
//! memory.segments.id_bound = u64::MAX;
//! memory.capacity(u32::MAX);
//! ```
//! ```
//! let mut memory = rum_interp::memory::Memory::new(&rum::MachineOptions::default().memory()).unwrap();
//! memory.capacity(u32::MAX);
//! ```
//!
//! **Output goes somewhere else.**
//! ```compile_fail
//! let mut machine = rum_embedder::machine(&[0xd200_0048, 0xa000_0001, 0x7000_0000]);
//! machine.state().output.next;
//! machine.run(None);
//! ```
//! ```
//! let mut machine = rum_embedder::machine(&[0xd200_0048, 0xa000_0001, 0x7000_0000]);
//! machine.state();
//! machine.run(None);
//! ```
//!
//! **A word that no program has is hot.**
//! ```compile_fail
//! # #![forbid(unsafe_code)]
//! let mut machine = rum_embedder::machine(&[0x7000_0000]);
//! machine.state().heat().set(u32::MAX, rum_interp::engine::Heat::HasCode);
//! machine.run_until_hot(u64::MAX, 1);
//! ```
//! ```
//! # #![forbid(unsafe_code)]
//! let mut machine = rum_embedder::machine(&[0x7000_0000]);
//! machine.state().heat().get(u32::MAX);
//! machine.run_until_hot(u64::MAX, 1);
//! ```

#![forbid(unsafe_code)]

use rum::{Machine, MachineOptions, Options, Scripted, Vm, Word};

/// A machine with a program.
///
/// # Panics
/// There is no room for one.
pub fn machine(program: &[Word]) -> Machine {
    Machine::new(program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine")
}

/// The same with an engine that compiles at the first round.
///
/// # Panics
/// There is no room for one.
pub fn vm(program: &[Word]) -> Vm {
    let options = Options { hot_threshold: 1, compile_threads: 0, ..Options::default() };
    Vm::new(machine(program), &options).expect("an engine")
}
