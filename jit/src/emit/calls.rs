//! Calls to stubs, which call the host.

use super::emitter::{Emitter, trusted};
use crate::abi::{self, Slot};
use cranelift_codegen::ir::{self, AbiParam, InstBuilder, Signature, types};
use cranelift_codegen::isa::CallConv;

/// The signature of stubs: all registers preserved, so that a call on a path hardly taken costs the others nothing.
pub(crate) fn stub_signature(params: usize) -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.extend((0..params).map(|_| AbiParam::new(types::I32)));
    signature
}

impl Emitter<'_> {
    /// Calls a stub through its slot.
    pub fn call_stub(&mut self, base: ir::Value, slot: Slot, args: &[ir::Value]) {
        let address = self.b.ins().load(types::I64, trusted(), base, abi::slot(slot));
        let signature = match self.signatures.get(&args.len()) {
            Some(&signature) => signature,
            None => {
                let signature = self.b.import_signature(stub_signature(args.len()));
                self.signatures.insert(args.len(), signature);
                signature
            }
        };
        self.b.ins().call_indirect(signature, address, args);
    }

    /// What the last stub gave back.
    pub fn stub_result(&mut self, base: ir::Value, kind: ir::Type) -> ir::Value {
        self.b.ins().load(kind, trusted(), base, abi::slot(Slot::Result))
    }
}
