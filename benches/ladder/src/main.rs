//! Small interpreters of the Universal Machine that differ in how they keep segments: `rum-ladder hash|vector|pool IMAGE`.
//!
//! They are what `docs/history.md` climbs up, and no more than that: a program that does something wrong ends them with
//! a panic, which is the check that the specification allows for.

mod hash;
mod pool;
mod segments;
mod vector;

use segments::Segments;
use std::io::{self, BufWriter, Read, StdinLock, StdoutLock, Write};
use std::process::ExitCode;

struct Machine<S> {
    segments: S,
    input: io::Bytes<StdinLock<'static>>,
    output: BufWriter<StdoutLock<'static>>,
}

impl<S: Segments> Machine<S> {
    fn run(&mut self) -> io::Result<()> {
        let mut registers = [0u32; 8];
        let mut pc = 0;
        loop {
            let word = self.segments.fetch(pc);
            pc += 1;
            if word >> 28 == 13 {
                registers[(word >> 25 & 7) as usize] = word & 0x01ff_ffff;
                continue;
            }
            let (a, b, c) = ((word >> 6 & 7) as usize, (word >> 3 & 7) as usize, (word & 7) as usize);
            match word >> 28 {
                0 if registers[c] != 0 => registers[a] = registers[b],
                0 => {}
                1 => registers[a] = self.segments.get(registers[b], registers[c]),
                2 => self.segments.set(registers[a], registers[b], registers[c]),
                3 => registers[a] = registers[b].wrapping_add(registers[c]),
                4 => registers[a] = registers[b].wrapping_mul(registers[c]),
                5 => registers[a] = registers[b] / registers[c],
                6 => registers[a] = !(registers[b] & registers[c]),
                7 => return self.output.flush(),
                8 => registers[b] = self.segments.alloc(registers[c]),
                9 => self.segments.abandon(registers[c]),
                10 => self.output.write_all(&[registers[c] as u8])?,
                11 => {
                    self.output.flush()?;
                    registers[c] = self.input.next().transpose()?.map_or(u32::MAX, u32::from);
                }
                12 => {
                    if registers[b] != 0 {
                        self.segments.load(registers[b]);
                    }
                    pc = registers[c];
                }
                operator => panic!("operator {operator} at {}", pc - 1),
            }
        }
    }
}

fn run<S: Segments>(program: Vec<u32>) -> io::Result<()> {
    let input = io::stdin().lock().bytes();
    Machine { segments: S::new(program), input, output: BufWriter::new(io::stdout().lock()) }.run()
}

fn start(words: &[String]) -> Result<(), String> {
    let [_, step, image] = words else { return Err("rum-ladder hash|vector|pool IMAGE".to_owned()) };
    let bytes = std::fs::read(image).map_err(|error| format!("{image}: {error}"))?;
    let program = bytes.chunks_exact(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]])).collect();
    match step.as_str() {
        "hash" => run::<hash::Hash>(program),
        "vector" => run::<vector::Vector>(program),
        "pool" => run::<pool::Pool>(program),
        other => return Err(format!("there is no step {other}")),
    }
    .map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    match start(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}
