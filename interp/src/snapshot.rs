//! Snapshots: everything that a machine is, so that it can go on elsewhere, and with any engine.
//!
//! A file begins with a line of text and a version; what follows is a stream (`pack.rs`) of the registers, the counts, what is to be
//! known of the machine before it is made, and all segments (`memory/saved.rs`). Identifiers follow from the order of allocs and abandons
//! and from the size of the machine alone, so a machine made from a snapshot goes on exactly as the one that was saved would have.

use crate::console::Console;
use crate::image::SNAPSHOT_MAGIC;
use crate::isa::Word;
use crate::machine::{Machine, MachineOptions, SetupError};
use crate::memory::saved::Geometry;
use crate::memory::{AddressSpace, Ids, OutOfMemory};
use crate::pack::{Packer, SnapshotError, Unpacker, VERSION};
use crate::state::State;
use std::io::{self, Read, Write};

/// Bytes that a note may have, and bytes of input that may be kept.
const KEPT_BYTES_MAX: u32 = 1 << 26;

/// What a snapshot tells before a machine is made of it.
#[derive(Clone, Debug)]
pub struct About {
    /// What whoever saved it has written beside it.
    pub note: Vec<u8>,
    /// The eight registers.
    pub registers: [u32; 8],
    /// Offset in segment 0 of the next instruction.
    pub pc: u32,
    /// Instructions executed.
    pub executed: u64,
    /// How often another segment has become the program.
    pub programs_loaded: u64,
    /// Bytes that the program has put out.
    pub output_bytes: u64,
    /// Bytes of input that were taken from the console, and that the program has not read yet.
    pub pending_input: Vec<u8>,
    geometry: Geometry,
}

impl About {
    /// Which identifiers segments get.
    pub fn ids(&self) -> Ids {
        self.geometry.ids
    }

    /// The limit on memory in bytes.
    pub fn memory_bytes_max(&self) -> u64 {
        self.geometry.limit_bytes
    }

    fn save(&self, out: &mut Packer) -> io::Result<()> {
        let kept = |out: &mut Packer, bytes: &[u8]| {
            out.u32(bytes.len() as u32)?;
            out.bytes(bytes)
        };
        kept(out, &self.note)?;
        out.words(&self.registers)?;
        out.u32(self.pc)?;
        [self.executed, self.programs_loaded, self.output_bytes].into_iter().try_for_each(|number| out.u64(number))?;
        kept(out, &self.pending_input)?;
        self.geometry.save(out)
    }

    fn load<R: Read>(from: &mut Unpacker<R>) -> Result<About, SnapshotError> {
        fn kept<R: Read>(from: &mut Unpacker<R>) -> Result<Vec<u8>, SnapshotError> {
            let len = from.u32()?;
            if len > KEPT_BYTES_MAX {
                return Err(SnapshotError::Damaged("its notes are longer than any can be"));
            }
            let mut bytes = vec![0; len as usize];
            from.bytes(&mut bytes)?;
            Ok(bytes)
        }
        let note = kept(from)?;
        let mut registers = [0; 8];
        from.words(&mut registers)?;
        Ok(About {
            note,
            registers,
            pc: from.u32()?,
            executed: from.u64()?,
            programs_loaded: from.u64()?,
            output_bytes: from.u64()?,
            pending_input: kept(from)?,
            geometry: Geometry::load(from)?,
        })
    }
}

/// A snapshot that is being read.
pub struct Snapshot<R> {
    about: About,
    from: Unpacker<R>,
}

impl<R> std::fmt::Debug for Snapshot<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("about", &self.about).finish_non_exhaustive()
    }
}

impl<R: Read> Snapshot<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// It is no snapshot, is damaged, or was written by another version.
    pub fn open(mut source: R) -> Result<Snapshot<R>, SnapshotError> {
        let mut magic = [0; SNAPSHOT_MAGIC.len()];
        match source.read_exact(&mut magic) {
            Ok(()) if magic == *SNAPSHOT_MAGIC => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            _ => return Err(SnapshotError::NotOne),
        }
        let mut version = [0; 4];
        source.read_exact(&mut version).map_err(|_| SnapshotError::Damaged("it ends too early"))?;
        match u32::from_le_bytes(version) {
            VERSION => {}
            other => return Err(SnapshotError::Version(other)),
        }
        let mut from = Unpacker::new(source);
        Ok(Snapshot { about: About::load(&mut from)?, from })
    }

    /// What it tells.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Reads to the end, and sees to it that every byte is as it was written.
    ///
    /// # Errors
    /// It is damaged.
    pub fn verify(mut self) -> Result<(), SnapshotError> {
        self.from.skip_to_end()
    }

    /// Makes a machine of it. Its limit on memory and its identifiers are those of the machine that was saved, whatever the options
    /// say; its console is given nothing of what the other one was.
    ///
    /// # Errors
    /// It is damaged, or the system has no room for the machine.
    pub fn into_machine(
        mut self,
        console: Box<dyn Console>,
        options: &MachineOptions,
    ) -> Result<Machine, SnapshotError> {
        let Geometry { granules, limit_bytes, ids, .. } = self.about.geometry;
        let mut how = MachineOptions { memory_bytes_max: limit_bytes, ids, ..options.clone() };
        let mut machine = Machine::without_program(console, &how).map_err(reserve_error)?;
        if machine.state().memory().geometry() != self.about.geometry && how.address_space == AddressSpace::Auto {
            how.address_space = AddressSpace::Granules(granules);
            machine = Machine::without_program(machine.into_console()?, &how).map_err(reserve_error)?;
        }
        if machine.state().memory().geometry() != self.about.geometry {
            return Err(SnapshotError::AddressSpace(granules));
        }
        machine.load(&self.about, &mut self.from)?;
        machine.with_program().map_err(reserve_error)
    }
}

fn reserve_error(error: SetupError) -> SnapshotError {
    match error {
        SetupError::Reserve(error) => SnapshotError::Read(error),
        SetupError::OutOfMemory(OutOfMemory { .. }) => SnapshotError::Read(io::ErrorKind::OutOfMemory.into()),
        _ => SnapshotError::Damaged("it has no program"),
    }
}

impl Machine {
    /// Writes everything that the machine is, and a note. What the program has put out so far is written to the console before.
    ///
    /// # Errors
    /// The console's, or the sink's; the run is profiled, or has not counted.
    pub fn save(&mut self, out: &mut dyn Write, note: &[u8]) -> Result<(), SnapshotError> {
        self.flush()?;
        let state = self.state();
        if state.tally().is_on() {
            return Err(SnapshotError::Profiled);
        }
        let about = About {
            note: note.to_vec(),
            registers: *state.registers(),
            pc: state.pc(),
            executed: self.executed().ok_or(SnapshotError::Uncounted)?,
            programs_loaded: self.programs_loaded(),
            output_bytes: self.output_bytes(),
            pending_input: state.pending_input().to_vec(),
            geometry: state.memory().geometry(),
        };
        out.write_all(SNAPSHOT_MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        let mut packer = Packer::new(out);
        about.save(&mut packer)?;
        state.memory().save(&mut packer)?;
        packer.words(state.memory().program())?;
        Ok(packer.finish()?)
    }

    /// Becomes what was saved of this machine, or of one that was made alike. Code that was compiled stays, as far as its words are
    /// the same.
    ///
    /// # Errors
    /// The snapshot is of another machine, or damaged. In that case nothing can be said of the machine any more.
    pub fn restore(&mut self, saved: impl Read) -> Result<(), SnapshotError> {
        let Snapshot { about, mut from } = Snapshot::open(saved)?;
        if self.state().tally().is_on() {
            return Err(SnapshotError::Profiled);
        }
        if self.state().memory().geometry() != about.geometry {
            return Err(SnapshotError::Other);
        }
        self.flush()?;
        self.load(&about, &mut from)
    }

    fn load<R: Read>(&mut self, about: &About, from: &mut Unpacker<R>) -> Result<(), SnapshotError> {
        // SAFETY: what is in the state is changed where it is.
        let state = unsafe { self.state_mut() };
        state.restore(about, from)
    }
}

impl State {
    /// Becomes as what was saved, whose segments follow. Nothing of what was put out is held back.
    pub(crate) fn restore<R: Read>(&mut self, about: &About, from: &mut Unpacker<R>) -> Result<(), SnapshotError> {
        let (words, old) = (self.guest.memory.restore(from)?, self.guest.memory.program().to_vec());
        let new = read_words(from, words)?;
        from.finish()?;
        self.program.make_room(new.len())?;
        self.guest.memory.set_program(&new).map_err(|_| SnapshotError::Read(io::ErrorKind::OutOfMemory.into()))?;
        if old.len() == new.len() {
            for offset in (0..old.len()).filter(|&at| old[at] != new[at]) {
                self.program.word_changed(offset as u32);
            }
        } else {
            self.program.replace(&old, &new);
            self.replacements += 1;
        }
        self.loads_before = about.programs_loaded.wrapping_sub(self.replacements);
        (self.guest.registers, self.guest.pc) = (about.registers, about.pc);
        (self.guest.executed, self.guest.uncounted) = (about.executed, 0);
        self.output.set_total(about.output_bytes);
        self.input.set_pending(&about.pending_input);
        self.mark_probes(true);
        Ok(())
    }
}

/// Reads so many words, piece by piece: what says how many there are may be wrong.
fn read_words<R: Read>(from: &mut Unpacker<R>, words: u32) -> Result<Vec<Word>, SnapshotError> {
    let mut read = Vec::new();
    while read.len() < words as usize {
        let at = read.len();
        read.resize((at + READ_WORDS).min(words as usize), 0);
        from.words(&mut read[at..])?;
    }
    Ok(read)
}

/// Words of a program that are read at once.
const READ_WORDS: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Scripted;
    use crate::memory::NAMED_ALLOCS;
    use crate::stop::Stop;

    /// A program that allocates, abandons and stores for ever, small segments and large ones; it reads, too.
    fn program() -> Vec<Word> {
        let op = |op: u32, a: u32, b: u32, c: u32| op << 28 | a << 6 | b << 3 | c;
        let literal = |a: u32, value: u32| 13 << 28 | a << 25 | value;
        vec![
            literal(7, 4),   // 0
            literal(6, 1),   // 1: the first size
            literal(5, 999), // 2
            op(11, 0, 0, 4), // 3: input
            op(8, 0, 1, 6),  // 4: r1 := map segment (r6 words)
            op(3, 6, 6, 7),  // 5: r6 += 4
            op(8, 0, 2, 6),  // 6: r2 := map segment (r6 words)
            op(2, 2, 0, 6),  // 7: m[r2][0] := r6
            op(9, 0, 0, 1),  // 8: unmap r1
            op(1, 3, 2, 0),  // 9: r3 := m[r2][0]
            op(12, 0, 0, 7), // 10: goto 4
        ]
    }

    /// The stream of a snapshot as it is written, without its checksums; and a snapshot of such a stream.
    fn unpacked(saved: &[u8]) -> Vec<u8> {
        let mut from = Unpacker::new(&saved[SNAPSHOT_MAGIC.len() + 4..]);
        let mut bytes = Vec::new();
        let mut byte = [0];
        while from.bytes(&mut byte).is_ok() {
            bytes.push(byte[0]);
        }
        bytes
    }

    fn packed(stream: &[u8]) -> Vec<u8> {
        let mut saved = [SNAPSHOT_MAGIC, &VERSION.to_le_bytes()[..]].concat();
        let mut packer = Packer::new(&mut saved);
        packer.bytes(stream).expect("a vector");
        packer.finish().expect("a vector");
        saved
    }

    /// Whoever forges a snapshot gets a machine that is odd, or none, and nothing else: every access stays inside.
    #[test]
    fn forged_snapshots_are_refused_or_harmless() {
        let mut seed = 1u64;
        let mut random = move |bound: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % bound
        };
        let (mut refused, mut taken) = (0, 0);
        for ids in Ids::ALL {
            let space = AddressSpace::Granules(1 << 20);
            let how =
                MachineOptions { ids, address_space: space, memory_bytes_max: 6 << 20, ..MachineOptions::default() };
            for executed in [3, 700, 5 * u64::from(NAMED_ALLOCS)] {
                let mut machine = Machine::new(&program(), Box::new(Scripted::new(b"x")), &how).expect("room");
                assert!(matches!(machine.run(Some(executed)), Stop::Budget | Stop::OutOfMemory(_)));
                let mut saved = Vec::new();
                machine.save(&mut saved, b"").expect("a vector");
                let stream = unpacked(&saved);
                assert!(Snapshot::open(&packed(&stream)[..]).is_ok());
                for _ in 0..60 {
                    let mut forged = stream.clone();
                    // What is no word of a segment stands at the beginning and at the end.
                    let at = match random(3) {
                        0 => random(forged.len().min(400)),
                        1 => forged.len() - 1 - random(forged.len().min(4_000)),
                        _ => random(forged.len()),
                    };
                    forged[at] = [0, 1, 0xff, forged[at] ^ 1 << random(8), forged[at].wrapping_add(1)][random(5)];
                    let forged = packed(&forged);
                    let made = Snapshot::open(&forged[..])
                        .and_then(|snapshot| snapshot.into_machine(Box::new(Scripted::default()), &how));
                    match made {
                        Err(_) => refused += 1,
                        Ok(mut machine) => {
                            taken += 1;
                            let _ = machine.run(Some(20_000));
                            let _ = machine.active_segments().map(|(_, words)| u64::from(words)).sum::<u64>();
                        }
                    }
                }
            }
        }
        assert!(refused > 40 && taken > 40, "{refused} refused, {taken} taken");
    }

    /// A few bytes must not be able to take all memory, nor to have two segments share a place.
    #[test]
    fn runs_are_short_and_free_and_all_is_within_the_limit() {
        let space = AddressSpace::Granules(1 << 20);
        let how = MachineOptions {
            ids: Ids::Address,
            address_space: space,
            memory_bytes_max: 2 << 20,
            ..MachineOptions::default()
        };
        let mut machine = Machine::new(&program(), Box::new(Scripted::new(b"x")), &how).expect("room");
        assert!(matches!(machine.run(Some(100)), Stop::Budget));
        let mut saved = Vec::new();
        machine.save(&mut saved, b"").expect("a vector");
        let stream = unpacked(&saved);
        // Behind registers, counts and geometry: the length of the program, cursor, end of the run, frontier, touched.
        const CURSOR: usize = 97;
        let number = |at: usize| u32::from_le_bytes(stream[at..at + 4].try_into().expect("four bytes"));
        let [cursor, run_end, frontier] = [0, 4, 8].map(|at| number(CURSOR + at));
        assert!(cursor < run_end && run_end < frontier);
        let made = |changes: &[(usize, u32)]| {
            let mut forged = stream.clone();
            for &(at, value) in changes {
                forged[CURSOR + at..][..4].copy_from_slice(&value.to_le_bytes());
            }
            let forged = packed(&forged);
            Snapshot::open(&forged[..])
                .and_then(|snapshot| snapshot.into_machine(Box::new(Scripted::default()), &how))
                .is_ok()
        };
        assert!(made(&[]) && made(&[(0, cursor + 1)]));
        assert!(!made(&[(0, cursor - 20)]), "the run has a segment in it");
        let far = cursor + (1 << 10);
        assert!(!made(&[(4, far), (8, far), (12, far)]), "the run is long");
        assert!(made(&[(8, frontier + 1)]) && !made(&[(8, 1 << 19)]), "beyond the limit");
    }
}
