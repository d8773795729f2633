//! A function under construction.

use crate::exit::Complete;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AbiParam, InstBuilder, JumpTableData, MemFlagsData, Signature, UserFuncName, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The signature of every unit: the selector of an entry and the pc of the jump that leads there in (the latter only for
/// the miss stub), the number of an exit out.
pub(crate) fn unit_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([types::I32, types::I32].map(AbiParam::new));
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// Flags of every access: aligned or not it does not trap, and it is never reordered by us.
pub(crate) fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Compares with a constant.
pub(crate) fn compare(b: &mut FunctionBuilder, code: IntCC, x: ir::Value, n: i64) -> ir::Value {
    let kind = b.func.dfg.value_type(x);
    let n = b.ins().iconst(kind, n);
    b.ins().icmp(code, x, n)
}

/// The function of a unit under construction.
pub(crate) struct Emitter<'a> {
    pub b: FunctionBuilder<'a>,
    pub unit: u32,
    /// Length of segment 0.
    pub program_len: u32,
    /// Ends that many edges share: a computed jump, a jump to another unit, and returns of a number, in the order of their
    /// numbers: the same region always gives the same function.
    pub(super) dispatch: Option<ir::Block>,
    pub(super) transfer: Option<ir::Block>,
    pub(super) returns: BTreeMap<Complete, ir::Block>,
    pub(super) signatures: FxHashMap<usize, ir::SigRef>,
}

impl<'a> Emitter<'a> {
    /// Begins the function of unit `unit`, which is at least 1, for a program of `program_len` words.
    pub fn new(
        function: &'a mut ir::Function,
        context: &'a mut FunctionBuilderContext,
        unit: u32,
        program_len: u32,
    ) -> Emitter<'a> {
        function.clear();
        function.signature = unit_signature();
        function.name = UserFuncName::user(0, unit);
        Emitter {
            b: FunctionBuilder::new(function, context),
            unit,
            program_len,
            dispatch: None,
            transfer: None,
            returns: BTreeMap::new(),
            signatures: FxHashMap::default(),
        }
    }

    /// Ends the function: nothing is missing any more.
    pub fn finish(mut self, config: TargetFrontendConfig) {
        self.b.seal_all_blocks();
        self.b.finalize(config);
    }

    /// The pinned register: the address of granule 0.
    pub fn base(&mut self) -> ir::Value {
        self.b.ins().get_pinned_reg(types::I64)
    }

    /// Compares with a constant.
    pub fn compare(&mut self, code: IntCC, x: ir::Value, n: i64) -> ir::Value {
        compare(&mut self.b, code, x, n)
    }

    /// A block that is hardly ever reached.
    pub fn cold_block(&mut self) -> ir::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// Goes to the block that an index names, or to `otherwise` if it names none.
    pub fn jump_table(&mut self, index: ir::Value, blocks: &[ir::Block], otherwise: ir::Block) {
        let calls: Vec<_> = blocks.iter().map(|&block| self.b.func.dfg.block_call(block, &[])).collect();
        let default = self.b.func.dfg.block_call(otherwise, &[]);
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(index, table);
    }
}
