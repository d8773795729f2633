//! What the optimiser knows about segments: which words exist, how long segments are, what was read. A leaf.

use super::val::remember;
use cranelift_codegen::ir;

/// Names a stretch of code that is executed as a whole, unless it is left: between places where control splits or joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StraightLine(pub u32);

/// An offset in a segment: a value of the guest, if it is no constant, and a distance from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Offset {
    pub base: Option<ir::Value>,
    pub distance: u32,
}

impl Offset {
    /// Whether two offsets may be the same word of some segment.
    pub fn may_be(self, other: Offset) -> bool {
        self.base != other.base || self.distance == other.distance
    }
}

/// Something that was read since the window began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    Slot(u32),
    /// A variable offset of segment 0.
    AnySlot,
    /// A word of a segment other than 0.
    Cell(Offset),
}

/// Where an access goes, for the rules about what may be the same word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Slot(u32),
    AnySlot,
    Cell(Offset),
    /// A segment in a register that may turn out to be segment 0.
    Anywhere,
}

/// What is known of segments other than 0, each named by the value that identifies it. Holds until something is abandoned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segments {
    /// Active, and with at least this word: a constant offset says the same of all smaller ones.
    reached: Vec<Reached>,
    /// Lengths in words; 0 if not active.
    lengths: Vec<(ir::Value, ir::Value)>,
    /// Length bytes.
    bytes: Vec<(ir::Value, ir::Value)>,
}

/// A word that a segment is known to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub segment: ir::Value,
    pub at: Offset,
    /// The check that says so, if it can still ask for more: the constant that it compares with.
    pub raisable: Option<(ir::Inst, StraightLine)>,
}

impl Reached {
    fn covers(&self, segment: ir::Value, at: Offset) -> bool {
        let constants = at.base.is_none() && self.at.base.is_none();
        self.segment == segment && (self.at == at || (constants && self.at.distance >= at.distance))
    }
}

/// The newest fact of a list about a segment.
fn newest(list: &[(ir::Value, ir::Value)], segment: ir::Value) -> Option<ir::Value> {
    list.iter().rev().find(|&&(of, _)| of == segment).map(|&(_, fact)| fact)
}

impl Segments {
    /// Length in words of a segment, if it is known.
    pub fn length(&self, segment: ir::Value) -> Option<ir::Value> {
        newest(&self.lengths, segment)
    }

    /// A segment's length is known now.
    pub fn learn_length(&mut self, segment: ir::Value, length: ir::Value) {
        remember(&mut self.lengths, (segment, length));
    }

    /// The oldest length byte that is known of a segment: it was checked not to be 0.
    pub fn byte(&self, segment: ir::Value) -> Option<ir::Value> {
        self.bytes.iter().find(|&&(of, _)| of == segment).map(|&(_, byte)| byte)
    }

    /// A segment's length byte is known now.
    pub fn learn_byte(&mut self, segment: ir::Value, byte: ir::Value) {
        remember(&mut self.bytes, (segment, byte));
    }

    /// Whether a segment is known to have a word.
    pub fn reaches(&self, segment: ir::Value, at: Offset) -> bool {
        self.reached.iter().any(|known| known.covers(segment, at))
    }

    /// A segment is known to have a word now.
    pub fn learn_reached(&mut self, reached: Reached) {
        remember(&mut self.reached, reached);
    }

    /// An earlier check of a smaller constant offset on the same straight line asks for `at` now. Gives the constant that it
    /// compares with.
    pub fn raise(&mut self, segment: ir::Value, at: Offset, line: StraightLine) -> Option<ir::Inst> {
        self.reached.iter_mut().rev().find_map(|known| match known.raisable {
            Some((bound, made_in)) if known.segment == segment && made_in == line => {
                known.at = at;
                Some(bound)
            }
            _ => None,
        })
    }
}
