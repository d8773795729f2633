//! Functions that every generation starts with, and the one list of calls that compiled code makes to the host.
//!
//! - the *miss stub*, at code offset 0: where table entries lead that were never set;
//! - the *trampoline*: the way from the driver into a unit;
//! - the slow parts of allocation and abandonment, and the step by the host. They preserve all registers and give
//!   their result through a slot.

use crate::abi::{self, Slot};
use crate::code::CodeSpace;
use crate::exit::MISSED;
use crate::translate::{stub_signature, trusted, unit_signature};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AbiParam, BlockArg, Endianness, InstBuilder, MemFlagsData, Signature, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use rum_interp::engine::layout::{RUN_GRANULES_MAX, SMALL_WORDS_MAX};
use rum_interp::engine::{STATE_BEFORE_DATA_BYTES, State};
use rum_interp::{Machine, Stop};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the driver lends compiled code for calls to the host.
pub(crate) struct HostCalls {
    pub machine: *mut Machine,
    /// Why a step by the host did not go through.
    pub stop: Option<Stop>,
    /// A console panicked; the driver lets the panic go on.
    pub panic: Option<Box<dyn Any + Send>>,
    /// Steps executed by the host.
    pub steps: u64,
}

/// # Safety
/// `data` is the address of granule 0 of a state in its place.
unsafe fn state_of<'a>(data: *mut u8) -> &'a mut State {
    // SAFETY: by the caller's promise; the driver holds no reference while compiled code runs.
    unsafe { &mut *data.sub(STATE_BEFORE_DATA_BYTES).cast::<State>() }
}

/// Allocates; the result is the identifier, or 0.
unsafe extern "C" fn host_alloc(data: *mut u8, words: u32) {
    // SAFETY: compiled code passes the pinned register.
    let state = unsafe { state_of(data) };
    let id = state.alloc(words).unwrap_or(0);
    state.slots_mut()[Slot::Result as usize] = u64::from(id);
}

/// Abandons; the result is 1, or 0 if the interpreter has to report something.
unsafe extern "C" fn host_abandon(data: *mut u8, id: u32) {
    // SAFETY: as above.
    let state = unsafe { state_of(data) };
    let done = state.abandon(id);
    state.slots_mut()[Slot::Result as usize] = u64::from(done);
}

/// Executes the instruction at the pc; the result is 0 if the next one follows and compiled code is still valid.
unsafe extern "C" fn host_step(data: *mut u8, _: u32) {
    // SAFETY: as above; the driver has set the slot for as long as compiled code runs.
    let calls = unsafe { &mut *(state_of(data).slots_mut()[Slot::Driver as usize] as *mut HostCalls) };
    // SAFETY: the driver lends the machine, and uses it only after compiled code has returned.
    let machine = unsafe { &mut *calls.machine };
    let next = machine.pc().wrapping_add(1);
    let replacements = machine.state().replacements();
    calls.steps += 1;
    let go_on = match catch_unwind(AssertUnwindSafe(|| machine.step())) {
        Ok(Ok(())) => {
            let state = machine.state();
            state.pc() == next && state.replacements() == replacements && !state.watch().has_news()
        }
        Ok(Err(stop)) => {
            calls.stop = Some(stop);
            false
        }
        Err(panic) => {
            calls.panic = Some(panic);
            false
        }
    };
    // SAFETY: as above.
    unsafe { state_of(data) }.slots_mut()[Slot::Result as usize] = u64::from(!go_on);
}

impl HostCalls {
    /// Lends a machine to compiled code. Nothing else uses it until that has returned.
    pub fn new(machine: &mut Machine) -> HostCalls {
        HostCalls { machine, stop: None, panic: None, steps: 0 }
    }
}

/// The functions that every generation starts with, as far as the driver calls them.
pub(crate) struct Stubs {
    pub trampoline: Trampoline,
}

/// The trampoline as Rust sees it: granule 0, code, selector; gives the number of an exit.
pub(crate) type Trampoline = unsafe extern "C" fn(*mut u8, *const u8, u32) -> u64;

fn host_convention() -> CallConv {
    CallConv::triple_default(&target_lexicon::Triple::host())
}

fn trampoline_signature() -> Signature {
    let mut signature = Signature::new(host_convention());
    signature.params.extend([types::I64, types::I64, types::I32].map(AbiParam::new));
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

impl Stubs {
    /// Publishes the stubs of a new generation and fills the slots of the state with their addresses.
    ///
    /// # Errors
    /// The system refuses executable memory.
    pub fn publish(code: &mut CodeSpace, isa: &dyn TargetIsa, state: &mut State) -> Result<Stubs, String> {
        Ok(Stubs { trampoline: publish_stubs(code, isa, state)? })
    }
}

fn publish_stubs(code: &mut CodeSpace, isa: &dyn TargetIsa, state: &mut State) -> Result<Trampoline, String> {
    let alloc_host = stub(isa, 1, |b| call_host(b, host_alloc as *const () as usize))?;
    let abandon = stub(isa, 1, |b| call_host(b, host_abandon as *const () as usize))?;
    let step = stub(isa, 0, |b| call_host(b, host_step as *const () as usize))?;
    let miss = compile(isa, unit_signature(), |b| {
        let from = b.block_params(b.current_block().expect("the entry block"))[1];
        let from = b.ins().uextend(types::I64, from);
        let missed = b.ins().iconst(types::I64, MISSED as i64);
        let number = b.ins().bor(from, missed);
        b.ins().return_(&[number]);
    })?;
    let trampoline = compile(isa, trampoline_signature(), trampoline)?;
    let (one, none) = (stub_signature(1), stub_signature(0));
    let offsets = code.publish(&[
        (&unit_signature(), &miss, 16),
        (&trampoline_signature(), &trampoline, 16),
        (&one, &alloc_host, 16),
        (&one, &abandon, 16),
        (&none, &step, 16),
    ])?;
    if offsets[0] != 0 {
        return Err("the miss stub is not at code offset 0".to_owned());
    }
    let address = |offset: u32| code.base() as usize + offset as usize;
    let alloc_host_address = address(offsets[2]);
    let alloc = stub(isa, 1, |b| walk(b, alloc_host_address))?;
    let alloc = code.publish(&[(&one, &alloc, 16)])?[0];
    let address = |offset: u32| code.base() as u64 + u64::from(offset);
    let slots = state.slots_mut();
    slots[Slot::CodeBase as usize] = code.base() as u64;
    slots[Slot::AllocStub as usize] = address(alloc);
    slots[Slot::AbandonStub as usize] = address(offsets[3]);
    slots[Slot::StepStub as usize] = address(offsets[4]);
    // SAFETY: the function was compiled with this signature and convention.
    Ok(unsafe { std::mem::transmute::<usize, Trampoline>(address(offsets[1]) as usize) })
}

fn stub(isa: &dyn TargetIsa, params: usize, body: impl FnOnce(&mut FunctionBuilder)) -> Result<Vec<u8>, String> {
    compile(isa, stub_signature(params), body)
}

fn compile(
    isa: &dyn TargetIsa,
    signature: Signature,
    body: impl FnOnce(&mut FunctionBuilder),
) -> Result<Vec<u8>, String> {
    let mut context = Context::new();
    context.func.signature = signature;
    let mut builder_context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    body(&mut builder);
    builder.seal_all_blocks();
    builder.finalize(isa.frontend_config());
    let compiled = context.compile(isa, &mut ControlPlane::default()).map_err(|error| format!("{:?}", error.inner))?;
    assert!(compiled.buffer.relocs().is_empty(), "addresses are passed as constants");
    Ok(compiled.code_buffer().to_vec())
}

/// Saves what a unit does not, sets the pinned register, and calls.
fn trampoline(b: &mut FunctionBuilder) {
    let entry = b.current_block().expect("the entry block");
    let (data, code, selector) = match *b.block_params(entry) {
        [data, code, selector] => (data, code, selector),
        _ => unreachable!("the trampoline has three parameters"),
    };
    let saved = b.ins().get_pinned_reg(types::I64);
    b.ins().set_pinned_reg(data);
    let signature = b.import_signature(unit_signature());
    let nowhere = b.ins().iconst(types::I32, 0);
    let call = b.ins().call_indirect(signature, code, &[selector, nowhere]);
    let number = b.inst_results(call)[0];
    b.ins().set_pinned_reg(saved);
    b.ins().return_(&[number]);
}

/// Calls a host function with the address of granule 0 and the stub's argument.
fn call_host(b: &mut FunctionBuilder, function: usize) {
    let entry = b.current_block().expect("the entry block");
    let argument = match *b.block_params(entry) {
        [argument] => argument,
        _ => b.ins().iconst(types::I32, 0),
    };
    let mut signature = Signature::new(host_convention());
    signature.params.extend([types::I64, types::I32].map(AbiParam::new));
    let signature = b.import_signature(signature);
    let data = b.ins().get_pinned_reg(types::I64);
    let address = b.ins().iconst(types::I64, function as i64);
    b.ins().call_indirect(signature, address, &[data, argument]);
    b.ins().return_(&[]);
}

/// Allocates a small segment from the next run that fits, as `Memory::refill` would: walks over the length bytes from
/// the end of the current run. Where that needs more than walking (the frontier, memory never touched, long runs), the
/// host does it all from the start, so that both always agree.
fn walk(b: &mut FunctionBuilder, alloc_host: usize) {
    let entry = b.current_block().expect("the entry block");
    let words = b.block_params(entry)[0];
    let base = b.ins().get_pinned_reg(types::I64);
    let load32 = |b: &mut FunctionBuilder, at: i32| b.ins().uload32(trusted(), base, at);
    let lens = b.ins().load(types::I64, trusted(), base, abi::LENS);
    let run_end = load32(b, abi::RUN_END);
    let frontier = load32(b, abi::FRONTIER);
    let touched = load32(b, abi::TOUCHED);
    let limit = b.ins().umin(frontier, touched);
    let wide_words = b.ins().uextend(types::I64, words);
    let granules = half_up(b, wide_words);

    let [at_segment, at_free, count, enough, clear, cleared, done, host] = std::array::from_fn(|_| b.create_block());
    for block in [at_segment, at_free, clear] {
        b.append_block_param(block, types::I64);
    }
    for _ in 0..2 {
        b.append_block_param(count, types::I64);
        b.append_block_param(enough, types::I64);
    }
    b.set_cold_block(host);
    let small = b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, wide_words, i64::from(SMALL_WORDS_MAX));
    b.ins().brif(small, at_segment, &[BlockArg::Value(run_end)], host, &[]);

    // Steps over segments until a free granule.
    b.switch_to_block(at_segment);
    let at = b.block_params(at_segment)[0];
    let inside = b.ins().icmp(IntCC::UnsignedLessThan, at, limit);
    let look = b.create_block();
    b.ins().brif(inside, look, &[], host, &[]);
    b.switch_to_block(look);
    let address = b.ins().iadd(lens, at);
    let len = b.ins().uload8(types::I64, trusted(), address, 0);
    let step = b.create_block();
    b.ins().brif(len, step, &[], at_free, &[BlockArg::Value(at)]);
    b.switch_to_block(step);
    let one = b.ins().iconst(types::I64, 1);
    let words_here = b.ins().isub(len, one);
    let taken = half_up(b, words_here);
    let next = b.ins().iadd(at, taken);
    b.ins().jump(at_segment, &[BlockArg::Value(next)]);

    // Counts free granules, eight length bytes at a time; long runs, and those at the limit, are the host's.
    b.switch_to_block(at_free);
    let start = b.block_params(at_free)[0];
    b.ins().jump(count, &[BlockArg::Value(start), BlockArg::Value(start)]);
    b.switch_to_block(count);
    let (start, end) = (b.block_params(count)[0], b.block_params(count)[1]);
    let eight = b.ins().iconst(types::I64, 8);
    let after = b.ins().iadd(end, eight);
    let inside = b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, limit);
    let look = b.create_block();
    b.ins().brif(inside, look, &[], host, &[]);
    b.switch_to_block(look);
    let address = b.ins().iadd(lens, end);
    let eight_lens = b.ins().load(types::I64, MemFlagsData::trusted().with_endianness(Endianness::Little), address, 0);
    let (found, more) = (b.create_block(), b.create_block());
    b.ins().brif(eight_lens, found, &[], more, &[]);
    b.switch_to_block(more);
    let run = b.ins().isub(after, start);
    let longest = b.ins().icmp_imm_u(IntCC::UnsignedLessThan, run, i64::from(RUN_GRANULES_MAX / 2));
    b.ins().brif(longest, count, &[BlockArg::Value(start), BlockArg::Value(after)], host, &[]);
    b.switch_to_block(found);
    let bits = b.ins().ctz(eight_lens);
    let three = b.ins().iconst(types::I64, 3);
    let bytes = b.ins().ushr(bits, three);
    let end = b.ins().iadd(end, bytes);
    b.ins().jump(enough, &[BlockArg::Value(start), BlockArg::Value(end)]);

    b.switch_to_block(enough);
    let (start, end) = (b.block_params(enough)[0], b.block_params(enough)[1]);
    let run = b.ins().isub(end, start);
    let fits = b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, run, granules);
    b.ins().brif(fits, clear, &[BlockArg::Value(start)], at_segment, &[BlockArg::Value(end)]);

    // The run is ours: clear it.
    b.switch_to_block(clear);
    let granule = b.block_params(clear)[0];
    let three = b.ins().iconst(types::I64, 3);
    let offset = b.ins().ishl(granule, three);
    let address = b.ins().iadd(base, offset);
    let zero = b.ins().iconst(types::I64, 0);
    b.ins().store(trusted(), zero, address, 0);
    let one = b.ins().iconst(types::I64, 1);
    let next = b.ins().iadd(granule, one);
    let more = b.ins().icmp(IntCC::UnsignedLessThan, next, end);
    b.ins().brif(more, clear, &[BlockArg::Value(next)], cleared, &[]);

    b.switch_to_block(cleared);
    let granted = load32(b, abi::GRANTED);
    let granted = b.ins().iadd(granted, run);
    b.ins().istore32(trusted(), granted, base, abi::GRANTED);
    b.ins().istore32(trusted(), end, base, abi::RUN_END);
    let cursor = b.ins().iadd(start, granules);
    b.ins().istore32(trusted(), cursor, base, abi::CURSOR);
    let address = b.ins().iadd(lens, start);
    let one = b.ins().iconst(types::I64, 1);
    let len = b.ins().iadd(wide_words, one);
    b.ins().istore8(trusted(), len, address, 0);
    b.ins().store(trusted(), start, base, abi::slot(Slot::Result));
    b.ins().jump(done, &[]);
    b.switch_to_block(done);
    b.ins().return_(&[]);

    b.switch_to_block(host);
    let signature = b.import_signature(stub_signature(1));
    let address = b.ins().iconst(types::I64, alloc_host as i64);
    b.ins().call_indirect(signature, address, &[words]);
    b.ins().jump(done, &[]);
}

/// Granules of a small segment: half its words, rounded up, and at least one.
fn half_up(b: &mut FunctionBuilder, words: ir::Value) -> ir::Value {
    let one = b.ins().iconst(types::I64, 1);
    let more = b.ins().iadd(words, one);
    let half = b.ins().ushr(more, one);
    b.ins().umax(half, one)
}
