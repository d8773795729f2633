//! The emitter without an optimiser: what a cheaper tier would do. Every register is at home between two instructions.

use super::emitter::{Emitter, trusted};
use super::layout;
use crate::abi::Slot;
use crate::code::isa_for;
use crate::exit::Complete;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Imm64;
use cranelift_codegen::ir::{InstBuilder, types};
use cranelift_frontend::FunctionBuilderContext;

/// `r1 := m[r2][r3]`, `output r1`, an instruction by the host, then on at word 7 of the program.
fn emit(e: &mut Emitter) {
    let entry = e.b.create_block();
    e.b.append_block_params_for_function_params(entry);
    e.b.switch_to_block(entry);
    let base = e.base();
    let polled = e.polled(base);
    e.return_if(polled, Complete::Poll);
    let exit = e.cold_block();

    let id = layout::load_register(&mut e.b, base, 2);
    let offset = layout::load_register(&mut e.b, base, 3);
    let (id, offset) = (e.b.ins().uextend(types::I64, id), e.b.ins().uextend(types::I64, offset));
    let lens = layout::lens(&mut e.b, base);
    let length = layout::length(&mut e.b, base, lens, id);
    let length = e.b.ins().uextend(types::I64, length);
    let inside = e.b.ins().icmp(IntCC::UnsignedLessThan, offset, length);
    e.go_on_if(inside, exit);
    let words = layout::words(&mut e.b, base, id);
    let address = layout::word(&mut e.b, words, offset);
    let value = e.b.ins().load(types::I32, trusted(), address, 0);
    layout::store_register(&mut e.b, base, 1, value);
    e.count(base, 1);

    let second = e.cold_block();
    let fits = e.compare(IntCC::UnsignedLessThanOrEqual, value, 255);
    e.go_on_if(fits, second);
    let (next, room) = layout::output(&mut e.b, base);
    e.go_on_if(room, second);
    layout::put(&mut e.b, base, next, value);

    let pc = e.b.ins().iconst(types::I32, 2);
    layout::store_pc(&mut e.b, base, pc);
    e.call_stub(base, Slot::StepStub, &[]);
    let stop = e.stub_result(base, types::I32);
    e.return_if(stop, Complete::Host);

    let (target, from) = (e.b.ins().iconst(types::I32, 7), e.b.ins().iconst(types::I32, 3));
    let end = e.transfer_block();
    e.jump_to_end(end, target, from);
    for (site, block) in [exit, second].into_iter().enumerate() {
        e.b.switch_to_block(block);
        e.return_site(site);
    }
    e.finish_ends();
}

#[test]
fn the_emitter_needs_no_optimiser() {
    for triple in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        let isa = isa_for(triple.parse().expect("a triple")).expect("a supported architecture");
        let (mut context, mut builder) = (Context::new(), FunctionBuilderContext::new());
        let mut emitter = Emitter::new(&mut context.func, &mut builder, 5, 100);
        emit(&mut emitter);
        emitter.finish(isa.frontend_config());
        let clif = context.func.display().to_string();
        for number in [5 << 16, (5 << 16) + 1, i64::from(Complete::Poll as u32)] {
            let constant = format!("iconst.i64 {}\n", Imm64::new(number));
            assert!(clif.contains(&constant), "{constant} is returned: {clif}");
        }
        assert!(clif.contains("return_call_indirect"), "it goes on in another unit: {clif}");
        let code = context.compile(&*isa, &mut ControlPlane::default()).map_err(|error| format!("{:?}", error.inner));
        let code = code.unwrap_or_else(|error| panic!("{triple}: {error}\n{clif}"));
        assert!(!code.code_buffer().is_empty() && code.buffer.relocs().is_empty(), "{triple}");
    }
}
