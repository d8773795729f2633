//! The oracle with identifiers that follow rum's.

use crate::contenders::options_for;
use crate::matrix::OracleContender;
use crate::oracle::{CountingIds, IdSource};
use crate::outcome::Case;
use rum_interp::memory::{AddressSpace, Memory as Segments};
use rum_interp::{Ids, MachineOptions, NAMED_ALLOCS};

/// Words that there is room for, in numbered segments, in the smallest range of addresses that the kit uses.
const ROOM_WORDS: u64 = 1 << 18;

/// Identifiers as a machine with given options hands them out: that is how programs that compute with their identifiers are
/// compared with the oracle, which still checks that each is allowed.
///
/// Numbers are counted here, independently. Where the identifier says where the segment is, it comes from rum's own memory, which is
/// taken through the same allocs and abandons.
pub struct PolicyIds {
    numbers: CountingIds,
    /// How many segments will still be numbered.
    left: u64,
    /// Words that numbered segments may have before there may be no room for more: in a small range of addresses, numbers end with it.
    words_left: u64,
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
        let words_left = if may_end_before { ROOM_WORDS } else { u64::MAX };
        Some(PolicyIds { numbers: CountingIds::default(), left, words_left, segments })
    }
}

impl IdSource for PolicyIds {
    fn allocate(&mut self, words: u32) -> Option<u32> {
        let id = self.segments.alloc(words).ok()?;
        if self.words_left == 0 && id > NAMED_ALLOCS {
            self.left = 0;
        }
        if self.left == 0 {
            return Some(id);
        }
        self.words_left = self.words_left.saturating_sub(u64::from(words));
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
