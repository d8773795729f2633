//! What a program has read, kept so that it can be given again.

use rum::Console;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes read, and after how many of them the end of input was met.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// What was put out and is to be compared, if somebody follows.
    output: Option<VecDeque<u8>>,
}

/// Input on its way, shared between a console and whoever runs the program again.
#[derive(Debug, Default)]
pub struct Tape(Arc<Mutex<Kept>>);

impl Tape {
    /// A console as it is, whose input is kept.
    pub fn record<C: Console>(&self, console: C) -> Recorder<C> {
        Recorder { console, kept: Arc::clone(&self.0) }
    }

    /// A console that gives the same input, and shows no output.
    pub fn play(&self) -> Player {
        Player { kept: Arc::clone(&self.0), bytes: 0, ends: 0 }
    }

    /// As [`Tape::play`], while the program goes on; compares what is put out.
    pub fn follow(&self) -> Follower {
        lock(&self.0).output = Some(VecDeque::new());
        Follower { player: self.play(), compared: 0, differs_at: None }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A console whose input is kept.
pub struct Recorder<C> {
    console: C,
    kept: Arc<Mutex<Kept>>,
}

impl<C> Recorder<C> {
    fn keep(&self, keep: impl FnOnce(&mut Kept)) {
        keep(&mut lock(&self.kept));
    }
}

impl<C> Recorder<C> {
    /// The console as it is.
    pub fn inner(&mut self) -> &mut C {
        &mut self.console
    }
}

impl<C: Console> Console for Recorder<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.keep(|kept| kept.output.iter_mut().for_each(|output| output.extend(bytes)));
        self.console.write(bytes)
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        let got = self.console.read()?;
        self.keep(|kept| match got {
            Some(byte) => kept.bytes.push(byte),
            None => kept.ends.push(kept.bytes.len()),
        });
        Ok(got)
    }

    fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.console.read_ahead(buffer);
        self.keep(|kept| kept.bytes.extend_from_slice(&buffer[..count]));
        count
    }

    fn ready(&self) -> bool {
        self.console.ready()
    }
}

/// A console that gives what was kept.
#[derive(Debug)]
pub struct Player {
    kept: Arc<Mutex<Kept>>,
    /// How many bytes, and how many ends of input, were given.
    bytes: usize,
    ends: usize,
}

impl Player {
    /// Gives these bytes, and an end of input after each of so many of them.
    pub fn new(bytes: Vec<u8>, ends: impl IntoIterator<Item = usize>) -> Player {
        Tape(Arc::new(Mutex::new(Kept { bytes, ends: ends.into_iter().collect(), output: None }))).play()
    }

    /// What is read next: a byte, or an end of input; none if no more was kept.
    pub fn next(&mut self) -> Option<Option<u8>> {
        let kept = lock(&self.kept);
        if kept.ends.get(self.ends) == Some(&self.bytes) {
            self.ends += 1;
            return Some(None);
        }
        let byte = kept.bytes.get(self.bytes).copied()?;
        self.bytes += 1;
        Some(Some(byte))
    }
}

impl Console for Player {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        Ok(self.next().flatten())
    }

    fn ready(&self) -> bool {
        true
    }
}

/// A console that gives what another one has read, and compares what is put out with what went there.
#[derive(Debug)]
pub struct Follower {
    player: Player,
    /// Bytes that were compared.
    compared: u64,
    differs_at: Option<u64>,
}

impl Follower {
    /// The first byte that was put out otherwise.
    pub fn differs_at(&self) -> Option<u64> {
        self.differs_at
    }
}

impl Console for Follower {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut kept = lock(&self.player.kept);
        let Some(output) = &mut kept.output else { return Ok(()) };
        for &byte in bytes {
            if output.pop_front() != Some(byte) {
                self.differs_at.get_or_insert(self.compared);
            }
            self.compared += 1;
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        self.player.read()
    }

    fn ready(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it is told, in order.
    struct Script(VecDeque<Option<u8>>);

    impl Console for Script {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn read(&mut self) -> io::Result<Option<u8>> {
            Ok(self.0.pop_front().flatten())
        }

        fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
            let mut count = 0;
            while count < buffer.len() && matches!(self.0.front(), Some(Some(_))) {
                buffer[count] = self.0.pop_front().flatten().expect("it was looked at");
                count += 1;
            }
            count
        }
    }

    #[test]
    fn what_was_read_comes_again_with_every_end() {
        let input = [Some(1), Some(2), None, None, Some(3), Some(4), None];
        let tape = Tape::default();
        let mut recorder = tape.record(Script(input.into()));
        let mut read = || recorder.read().expect("no failure");
        let mut got = vec![read(), read(), read(), read(), read()];
        let mut ahead = [0; 2];
        assert_eq!(recorder.read_ahead(&mut ahead), 1);
        got.push(Some(ahead[0]));
        got.push(recorder.read().expect("no failure"));
        assert_eq!(got, input);
        let mut player = tape.play();
        assert_eq!([(); 7].map(|()| player.read().expect("no failure")), input);
        assert_eq!(player.read().expect("no failure"), None, "there was no more");
    }
}
