//! The oracle with identifiers that follow rum's.

use crate::contenders::options_for;
use crate::matrix::OracleContender;
use crate::oracle::{CountingIds, IdSource};
use crate::outcome::Case;
use rum_interp::memory::{AddressSpace, Memory as Segments};
use rum_interp::{Ids, MachineOptions, NAMED_ALLOCS};

/// Identifiers as a machine with given options hands them out: that is how programs that compute with their identifiers are
/// compared with the oracle, which still checks that each is allowed.
///
/// Numbers are counted here, independently. Where the identifier says where the segment is, it comes from rum's own memory, which is
/// taken through the same allocs and abandons.
pub struct PolicyIds {
    numbers: CountingIds,
    /// How many segments will still be numbered.
    left: u64,
    /// Whether there may be no room for so many: in a small range of addresses, numbers end where their room does.
    may_end_before: bool,
    segments: Segments,
}

impl PolicyIds {
    /// The identifiers that a machine with `options` hands out to `case`; none if there is no room for it.
    pub fn new(case: &Case, options: &MachineOptions) -> Option<PolicyIds> {
        let options = options_for(case, options);
        let left = match options.ids {
            Ids::Mixed => u64::from(options.named_allocs),
            Ids::Sequential => u64::MAX,
            Ids::Address => 0,
        };
        let mut segments = Segments::new(&options.memory()).ok()?;
        segments.extend_program(&case.program).ok()?;
        let may_end_before = options.ids == Ids::Mixed && options.address_space != AddressSpace::Auto;
        Some(PolicyIds { numbers: CountingIds::default(), left, may_end_before, segments })
    }
}

impl IdSource for PolicyIds {
    fn allocate(&mut self, words: u32) -> Option<u32> {
        let id = self.segments.alloc(words).ok()?;
        if self.may_end_before && id > NAMED_ALLOCS {
            self.left = 0;
        }
        if self.left == 0 {
            return Some(id);
        }
        self.left -= 1;
        self.numbers.allocate(words)
    }

    fn abandon(&mut self, id: u32) {
        // The oracle judges whether the segment is active; if rum disagrees, later identifiers tell.
        self.segments.abandon(id);
        self.numbers.abandon(id);
    }

    fn load_program(&mut self, id: u32) {
        if self.segments.capacity(id).is_some() {
            // A failure is the limit on memory; the engine stops with it.
            let _ = self.segments.load_program(id);
        }
    }
}

/// The oracle with rum's identifiers.
pub fn oracle_with_policy(options: MachineOptions) -> OracleContender {
    OracleContender::new(Box::new(move |case| match PolicyIds::new(case, &options) {
        Some(ids) => Box::new(ids),
        None => Box::new(CountingIds::default()),
    }))
}
