//! The optimising tier: a region of instructions becomes a function of Cranelift's intermediate representation (CLIF). Pure: the same region
//! always gives the same function, and nothing of the machine is read.
//!
//! # Where registers live
//!
//! Each of the eight registers has a *home* in the state. Inside a tree of blocks (a block and those that only it leads
//! to) registers are SSA values; a value that its home does not hold yet is *dirty*. At a *join* registers are in their
//! homes again, but for those that `analysis.rs` made parameters of the join; only registers that matter are stored.
//!
//! A small loop that can only be entered at its header gets a *preheader* in front of it. What does not change in the loop
//! is made there once: registers that are only read, the lengths of the segments that they name. Loops with the same header
//! have their preheaders one behind the other, the outermost first. A register that only an outer loop changes comes into
//! the inner one from outside and stays as it is, at home or not.
//!
//! # Where code may leave
//!
//! Compiled code never reports anything. Where an instruction might not take the quick way, a check leaves to an *exit*,
//! which completes the state as it was at some earlier boundary between two instructions and returns; the interpreter goes
//! on from there and does what remains. All checks since the last effect that may not happen twice share one exit: the
//! *window*. What ends a window: a store to a word that was read since the window began, an allocation, an abandonment,
//! output, a step by the host.
//!
//! Emission itself is in `emit/`; here is what is known and what follows from it. Files: `val.rs`, `segments.rs`, `env.rs` what is
//! known; `translator.rs` the walk over the region; `arithmetic.rs` registers and pure operations; `access.rs` words of segments,
//! `cells.rs` their checks; `heap.rs`
//! new and abandoned segments, output; `exits.rs` checks and exits; `edges.rs` where blocks go; `entries.rs` where they come from;
//! `switch.rs` computed jumps; `tally.rs` what a profile counts.

mod access;
mod arithmetic;
mod cells;
mod edges;
mod entries;
mod env;
mod exits;
mod heap;
mod segments;
mod switch;
mod tally;
mod translator;
mod val;

use self::translator::Translator;
use crate::facts::analyse;
use crate::plan::Plan;
use crate::region::Region;
use crate::settings::Settings;
use cranelift_codegen::ir;
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilderContext;

/// Translates a region into `function`. `unit` is at least 1.
pub(crate) fn translate(
    region: &Region,
    unit: u32,
    settings: &Settings,
    function: &mut ir::Function,
    context: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
) -> Plan {
    let facts = analyse(region, settings.optimisations, settings.count);
    Translator::new(region, &facts, settings, unit, function, context).run(isa.frontend_config())
}
