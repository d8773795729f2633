//! Jumps and segments as a profile counts them.

use super::env::Jump;
use super::translator::Translator;
use cranelift_codegen::ir::{self, InstBuilder, types};
use rum_interp::isa::Reg;
use rum_interp::tally::{MARK_BACK, MARK_CALL, MARK_CALLED, MARK_ENTRY, MARK_SHIFT};

impl Translator<'_> {
    /// Counts a jump to a known word, if that is wanted.
    pub(super) fn tally_jump(&mut self, Jump { from, target }: Jump) {
        if !self.settings.tally {
            return;
        }
        let base = self.base();
        let to = self.iconst(target.min(self.region.program_len));
        self.e.tally_jump(base, to);
        let kinds = self.kinds(from);
        match self.region.marks.get(&target) {
            _ if kinds & MARK_CALL != 0 => self.tally_event(from, to, kinds),
            Some(known) if kinds & known & (MARK_BACK | MARK_ENTRY) != 0 => self.tally_event(from, to, kinds),
            Some(_) if kinds & MARK_CALLED == 0 => {}
            _ => self.tally_event_if_marked(from, to, kinds),
        }
    }

    /// Counts a jump to where a register says.
    pub(super) fn tally_computed(&mut self, target: ir::Value) {
        if !self.settings.tally {
            return;
        }
        let base = self.base();
        // What lies behind the program is one word here.
        let end = self.iconst(self.region.program_len);
        let to = self.e.b.ins().umin(target, end);
        self.e.tally_jump(base, to);
        let kinds = self.kinds(self.pc);
        match kinds & MARK_CALL {
            0 => self.tally_event_if_marked(self.pc, to, kinds),
            _ => self.tally_event(self.pc, to, kinds),
        }
    }

    /// The kinds of targets that make a jump an event.
    fn kinds(&self, from: u32) -> u8 {
        self.region.marks[&from] >> MARK_SHIFT
    }

    fn tally_event(&mut self, from: u32, target: ir::Value, kinds: u8) {
        let base = self.base();
        if kinds & MARK_CALL != 0 {
            self.e.mark_called(base, target);
        }
        let from = self.iconst(from);
        self.e.tally_event(base, from, target);
    }

    fn tally_event_if_marked(&mut self, from: u32, target: ir::Value, kinds: u8) {
        let base = self.base();
        let mark = self.e.mark(base, target);
        let kinds = self.e.b.ins().iconst(types::I8, i64::from(kinds));
        let wanted = self.e.b.ins().band(mark, kinds);
        let from = self.iconst(from);
        let [event, go_on] = std::array::from_fn(|_| self.e.b.create_block());
        self.e.b.ins().brif(wanted, event, &[], go_on, &[]);
        self.e.b.switch_to_block(event);
        self.e.tally_event(base, from, target);
        self.e.b.ins().jump(go_on, &[]);
        self.e.b.switch_to_block(go_on);
    }

    /// Counts a segment that the instruction at hand has made.
    pub(super) fn tally_segment(&mut self, b: Reg, words: ir::Value) {
        if self.settings.tally {
            let (base, id, pc) = (self.base(), self.get(b), self.iconst(self.pc));
            self.e.tally_segment(base, pc, id, words);
        }
    }
}
