//! How often the generator does what.

use super::tags::Tag;
use crate::rng::Rng;

/// What a statement of a generated program does. Some kinds stand for several tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// [`Tag::Arithmetic`], [`Tag::Division`], [`Tag::LargeConstant`]
    Arithmetic,
    /// [`Tag::Variable`], [`Tag::VariableAliased`], [`Tag::ExecutedWordAsData`], [`Tag::CodeRead`]
    Variable,
    /// [`Tag::Branch`] and its kin
    Branch,
    /// [`Tag::JumpTable`], [`Tag::JumpComputed`]
    Jump,
    /// All loops
    Loop,
    /// [`Tag::Call`], [`Tag::CallIndirect`], [`Tag::Recursion`]
    Call,
    /// [`Tag::Input`]
    Input,
    /// [`Tag::Output`]
    Output,
    /// [`Tag::ZeroBroken`]
    ZeroBroken,
    /// [`Tag::SegmentAccess`]
    Access,
    /// Allocation and abandonment of every sort
    Heap,
    /// [`Tag::Chain`]
    Chain,
    /// [`Tag::MaybeZeroRead`], [`Tag::MaybeZeroWrite`]
    MaybeZero,
    /// [`Tag::StaleId`], [`Tag::ForgedId`], [`Tag::ComputedId`] outside of armed faults; may end the program
    Forged,
    /// Stores into code of every sort
    Patch,
    /// Load-program of another segment
    Load,
    /// [`Tag::FaultArmed`]
    Fault,
}

impl Kind {
    /// Number of kinds.
    pub const COUNT: usize = Kind::Fault as usize + 1;

    /// All kinds, in the order of their numbers.
    pub const ALL: [Kind; Kind::COUNT] = [
        Kind::Arithmetic,
        Kind::Variable,
        Kind::Branch,
        Kind::Jump,
        Kind::Loop,
        Kind::Call,
        Kind::Input,
        Kind::Output,
        Kind::ZeroBroken,
        Kind::Access,
        Kind::Heap,
        Kind::Chain,
        Kind::MaybeZero,
        Kind::Forged,
        Kind::Patch,
        Kind::Load,
        Kind::Fault,
    ];
}

/// Weights of the features, and the size of programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The weight of each [`Kind`], by number. Each program leaves a random part of the kinds out, so that the others
    /// meet undisturbed.
    pub weights: [u32; Kind::COUNT],
    /// Percentage of kinds that a program leaves out.
    pub left_out_percent: u32,
    /// Fewest and most instructions that a program is planned to execute.
    pub executed: (u32, u32),
    /// Fewest and most words of code in the main part of a program.
    pub words: (u32, u32),
    /// Percentage of programs that run with a budget that ends before they do.
    pub cut_percent: u32,
    /// Percentages of programs with something special at their end: [`Tag::LateEnd`], [`Tag::Sweep`],
    /// [`Tag::Shortened`], [`Tag::LoadLoop`], [`Tag::StraightLoop`], [`Tag::LateCode`], [`Tag::PatchedLoop`],
    /// [`Tag::Scans`].
    pub end_percents: [u32; END_COUNT],
}

/// Special things at the end of programs.
pub const END_COUNT: usize = 8;

impl Profile {
    /// Profiles by name: what [`Profile::named`] takes.
    pub const NAMES: [&'static str; 4] = ["all", "tame", "patch", "heap"];

    /// The profile called `name`: `all`; `tame` without self-modification; `patch` and `heap` with an emphasis.
    pub fn named(name: &str) -> Option<Profile> {
        let mut profile = Profile::default();
        let weights = &mut profile.weights;
        match name {
            "all" => {}
            "tame" => {
                for kind in [Kind::Patch, Kind::Load, Kind::Forged, Kind::ZeroBroken] {
                    weights[kind as usize] = 0;
                }
            }
            "patch" => {
                for kind in [Kind::Patch, Kind::Load, Kind::MaybeZero] {
                    weights[kind as usize] *= 4;
                }
            }
            "heap" => {
                for kind in [Kind::Heap, Kind::Chain, Kind::Access, Kind::Forged] {
                    weights[kind as usize] *= 4;
                }
            }
            _ => return None,
        }
        Some(profile)
    }

    /// The weights for one program: some kinds left out at random.
    pub(super) fn for_one_program(&self, rng: &mut Rng) -> [u32; Kind::COUNT] {
        let mut weights = self.weights;
        for kind in Kind::ALL {
            let kept = matches!(kind, Kind::Arithmetic | Kind::Loop);
            if !kept && rng.percent(self.left_out_percent) {
                weights[kind as usize] = 0;
            }
        }
        weights
    }
}

impl Default for Profile {
    /// Everything.
    fn default() -> Profile {
        let mut weights = [0; Kind::COUNT];
        for (kind, weight) in [
            (Kind::Arithmetic, 30),
            (Kind::Variable, 16),
            (Kind::Branch, 16),
            (Kind::Jump, 6),
            (Kind::Loop, 14),
            (Kind::Call, 14),
            (Kind::Input, 3),
            (Kind::Output, 4),
            (Kind::ZeroBroken, 3),
            (Kind::Access, 14),
            (Kind::Heap, 12),
            (Kind::Chain, 5),
            (Kind::MaybeZero, 8),
            (Kind::Forged, 2),
            (Kind::Patch, 18),
            (Kind::Load, 8),
            (Kind::Fault, 18),
        ] {
            weights[kind as usize] = weight;
        }
        Profile {
            weights,
            left_out_percent: 30,
            executed: (4_000, 60_000),
            words: (50, 200),
            cut_percent: 6,
            end_percents: [10, 4, 3, 6, 8, 5, 4, 5],
        }
    }
}

/// The tag for a segment of `words` words.
pub(super) fn size_tag(words: u32) -> Tag {
    match words {
        0 => Tag::AllocEmpty,
        1 => Tag::AllocOne,
        2..=20 => Tag::AllocSmall,
        250..=260 => Tag::AllocNear254,
        8180..=8200 => Tag::AllocNear8192,
        65_500..=65_600 => Tag::AllocNear65536,
        _ => Tag::AllocOther,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_at_their_numbers() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert!(Profile::default().weights[number] > 0, "{kind:?} never happens");
        }
    }

    #[test]
    fn every_named_profile_exists() {
        for name in Profile::NAMES {
            assert!(Profile::named(name).is_some(), "{name}");
        }
        assert!(Profile::named("none").is_none());
    }
}
