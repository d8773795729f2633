//! Functions that every generation starts with:
//!
//! - the *miss stub*, at code offset 0: where table entries lead that were never set;
//! - the *trampoline*: the way from the engine into a unit;
//! - a stub for each call to the host (`host.rs`), and in front of allocation the walk to the next run (`walk.rs`). They
//!   preserve all registers and give their result through a slot.

mod host;
mod walk;

use self::host::{HOST_CALLS, HostCall};
use crate::abi::Slot;
use crate::baseline::way_from_units;
use crate::code::CodeSpace;
use crate::emit::{stub_signature, unit_signature};
use crate::exit::MISSED;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use rum_interp::Ids;
use rum_interp::engine::State;

pub(crate) use self::host::{HostCalls, host_abandon, host_alloc, host_drain, host_step};

/// The functions that every generation starts with, as far as the engine calls them.
pub(crate) struct Stubs {
    pub trampoline: Trampoline,
    /// Offset of the way from units into blocks of the baseline tier.
    pub way_to_blocks: u32,
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
        let miss = compile(isa, unit_signature(), miss)?;
        let trampoline = compile(isa, trampoline_signature(), trampoline)?;
        let mut functions = vec![(unit_signature(), miss), (trampoline_signature(), trampoline)];
        // To compile one takes a while: what is not wanted is not there.
        let wanted = |call: &&HostCall| call.slot as usize != Slot::DrainStub as usize || state.tally().is_on();
        let calls: Vec<&HostCall> = HOST_CALLS.iter().filter(wanted).collect();
        for call in &calls {
            let body = compile(isa, stub_signature(call.params), |b| call_host(b, call.function as usize))
                .map_err(|error| format!("stub {}: {error}", call.name))?;
            functions.push((stub_signature(call.params), body));
        }
        functions.push((unit_signature(), way_from_units()));
        let functions: Vec<_> = functions.iter().map(|(signature, bytes)| (signature, &bytes[..], 16)).collect();
        let offsets = code.publish(&functions)?;
        if offsets[0] != 0 {
            return Err("the miss stub is not at code offset 0".to_owned());
        }
        let base = code.base() as usize;
        let slots = state.slots_mut();
        slots[Slot::CodeBase as usize] = base as u64;
        for (call, &offset) in calls.iter().zip(&offsets[2..]) {
            slots[call.slot as usize] = (base + offset as usize) as u64;
        }
        // In front of the host's way to a new segment.
        let alloc_host = slots[Slot::AllocStub as usize] as usize;
        let all_named = state.memory().ids() == Ids::Sequential;
        let walk = compile(isa, stub_signature(1), |b| walk::write(b, alloc_host, all_named))?;
        let walk = code.publish(&[(&stub_signature(1), &walk, 16)])?[0];
        let slots = state.slots_mut();
        slots[Slot::AllocStub as usize] = (base + walk as usize) as u64;
        // SAFETY: the function was compiled with this signature and convention.
        let trampoline = unsafe { std::mem::transmute::<usize, Trampoline>(base + offsets[1] as usize) };
        let way_to_blocks = offsets[offsets.len() - 1];
        Ok(Stubs { trampoline, way_to_blocks })
    }
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

/// Says that the jump at the second argument found no code.
fn miss(b: &mut FunctionBuilder) {
    let from = b.block_params(b.current_block().expect("the entry block"))[1];
    let from = b.ins().uextend(types::I64, from);
    let missed = b.ins().iconst(types::I64, MISSED as i64);
    let number = b.ins().bor(from, missed);
    b.ins().return_(&[number]);
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
