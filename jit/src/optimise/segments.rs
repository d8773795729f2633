//! What the optimiser knows about segments: which words exist, how long segments are, what was read. A leaf.

use super::val::remember;
use crate::contract::KnownLength;
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
    /// Where segments are that have names, as all have.
    places: Vec<(ir::Value, ir::Value)>,
    /// Lengths in words; 0 if not active.
    lengths: Vec<(ir::Value, Length)>,
    /// Length bytes.
    bytes: Vec<(ir::Value, LenByte)>,
}

/// The first granule of a segment, as 64 bits; none if that is its identifier.
pub(crate) type Granule = Option<ir::Value>;

/// What is known of a segment's length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    /// In words; 0 if it is not active, or has a name and that was not considered.
    pub length: ir::Value,
    /// Where it is.
    pub granule: Granule,
    /// Whether it may have a name, for all that this takes into account.
    pub considers_names: bool,
}

/// What is known of an identifier's length byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LenByte {
    pub byte: ir::Value,
    /// Whether it was checked not to be 0.
    pub is_active: bool,
}

/// A word that a segment is known to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub segment: ir::Value,
    pub at: Offset,
    /// Where it is.
    pub granule: Granule,
    /// The check that says so, if it can still ask for more.
    pub raisable: Option<Raisable>,
}

/// A check of a constant offset that can still ask for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raisable {
    /// The constants that it compares with, on one way or two, and how much each is above the offset.
    pub bounds: [Option<(ir::Inst, u32)>; 2],
    /// The largest offset that it can ask for.
    pub offset_max: u32,
    /// Where the check was made.
    pub line: StraightLine,
}

impl Reached {
    fn covers(&self, segment: ir::Value, at: Offset) -> bool {
        let constants = at.base.is_none() && self.at.base.is_none();
        self.segment == segment && (self.at == at || (constants && self.at.distance >= at.distance))
    }
}

impl Segments {
    /// Length in words of a segment, if it is known; with names taken into account, if it may have one.
    pub fn length(&self, segment: ir::Value, may_be_named: bool) -> Option<Length> {
        let good = |of: ir::Value, length: &Length| of == segment && (length.considers_names || !may_be_named);
        self.lengths.iter().rev().find(|(of, length)| good(*of, length)).map(|&(_, length)| length)
    }

    /// The lengths that are known, for whoever proves that they are right.
    pub fn known_lengths(&self) -> impl Iterator<Item = KnownLength> + '_ {
        self.lengths.iter().map(|&(segment, Length { length, granule, .. })| KnownLength {
            segment: segment.as_u32(),
            length: length.as_u32(),
            granule: granule.map(|granule| granule.as_u32()),
        })
    }

    /// A segment's length is known now.
    pub fn learn_length(&mut self, segment: ir::Value, length: Length) {
        remember(&mut self.lengths, (segment, length));
    }

    /// The oldest length byte that is known of a segment.
    pub fn byte(&self, segment: ir::Value) -> Option<LenByte> {
        self.bytes.iter().find(|&&(of, _)| of == segment).map(|&(_, byte)| byte)
    }

    /// A segment's length byte is known now.
    pub fn learn_byte(&mut self, segment: ir::Value, byte: LenByte) {
        remember(&mut self.bytes, (segment, byte));
    }

    /// Where a segment is, if it is known to have the word at `at`.
    pub fn reaches(&self, segment: ir::Value, at: Offset) -> Option<Granule> {
        self.reached.iter().find(|known| known.covers(segment, at)).map(|known| known.granule)
    }

    /// Where a segment is, if that was looked up before.
    pub fn granule(&self, segment: ir::Value) -> Granule {
        let reached = self.reached.iter().rev().find(|known| known.segment == segment).and_then(|known| known.granule);
        reached.or_else(|| self.places.iter().rev().find(|&&(of, _)| of == segment).map(|&(_, place)| place))
    }

    /// Where a segment is was looked up now.
    pub fn learn_place(&mut self, segment: ir::Value, place: ir::Value) {
        remember(&mut self.places, (segment, place));
    }

    /// A segment is known to have a word now.
    pub fn learn_reached(&mut self, reached: Reached) {
        remember(&mut self.reached, reached);
    }

    /// An earlier check of a smaller constant offset on the same straight line asks for `at` now. Gives the check, and where
    /// the segment is.
    pub fn raise(&mut self, segment: ir::Value, at: Offset, line: StraightLine) -> Option<(Raisable, Granule)> {
        self.reached.iter_mut().rev().find_map(|known| match known.raisable {
            Some(check) if known.segment == segment && check.line == line && at.distance <= check.offset_max => {
                known.at = at;
                Some((check, known.granule))
            }
            _ => None,
        })
    }
}
