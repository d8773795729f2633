//! Where a run begins: with a program, or with a snapshot.

use rum::{Console, Machine, MachineOptions, SetupError, Snapshot, SnapshotError, Word};

/// What a machine is made of, as often as one likes.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A program that has done nothing yet.
    Program(Vec<Word>),
    /// Everything that a machine was.
    Snapshot(Vec<u8>),
}

/// Why there is no machine.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The program cannot be had.
    #[error(transparent)]
    Program(#[from] SetupError),
    /// The snapshot cannot be used.
    #[error("the snapshot cannot be used: {0}")]
    Snapshot(#[from] SnapshotError),
}

impl Origin {
    /// A machine that begins there.
    ///
    /// # Errors
    /// There is no room for it, or the snapshot is damaged.
    pub fn machine(&self, console: Box<dyn Console>, how: &MachineOptions) -> Result<Machine, OriginError> {
        match self {
            Origin::Program(words) => Ok(Machine::new(words, console, how)?),
            Origin::Snapshot(bytes) => Ok(Snapshot::open(&bytes[..])?.into_machine(console, how)?),
        }
    }
}
