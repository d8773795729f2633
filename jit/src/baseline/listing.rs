//! Blocks as text, for golden tests: instructions of the host, with names for where they go.

use super::a64::A64;
use super::buffer::Buffer;
use super::table::Table;
use super::target::{Routines, Target};
use super::translate::{Circumstances, translate};
use super::x64::X64;
use crate::settings::Settings;
use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};
use rum_interp::engine::{Backing, State};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Opcode, Operand};

/// Where the routines, a block, and the part of it that is hardly ever executed stand: everywhere the same.
const ROUTINES: usize = 0x100_0000;
const HOT: usize = 0x200_0000;
const COLD: usize = 0x300_0000;

/// An instruction of the host.
struct Line {
    at: usize,
    text: String,
    /// What it does without where it goes, and where that is, if it jumps or calls.
    goes: Option<(String, usize)>,
}

/// A processor whose code can be read.
trait Listed: Target {
    const NAME: &'static str;
    fn decoded(at: usize, code: &[u8]) -> Vec<Line>;
}

impl Listed for X64 {
    const NAME: &'static str = "x86-64";

    fn decoded(at: usize, code: &[u8]) -> Vec<Line> {
        let mut formatter = NasmFormatter::new();
        let mut line = |instruction: iced_x86::Instruction| {
            let target = instruction.near_branch_target() as usize;
            let goes = (target != 0).then(|| (format!("{:?}", instruction.mnemonic()).to_lowercase(), target));
            let mut text = String::new();
            formatter.format(&instruction, &mut text);
            Line { at: instruction.ip() as usize, text, goes }
        };
        Decoder::with_ip(64, code, at as u64, DecoderOptions::NONE).iter().map(&mut line).collect()
    }
}

impl Listed for A64 {
    const NAME: &'static str = "aarch64";

    fn decoded(at: usize, code: &[u8]) -> Vec<Line> {
        let line = |(number, word): (usize, &[u8])| {
            let at = at + number * 4;
            let instruction = InstDecoder::default().decode(&mut U8Reader::new(word)).expect("an instruction");
            let text = instruction.to_string();
            let branches = matches!(instruction.opcode, Opcode::B | Opcode::BL | Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ);
            let distance = instruction.operands.iter().find_map(|operand| match operand {
                Operand::PCOffset(distance) => Some(*distance),
                _ => None,
            });
            let goes = distance.filter(|_| branches).map(|distance| {
                let (head, _) = text.rsplit_once(' ').expect("a mnemonic and where it goes");
                (head.to_owned(), at.wrapping_add_signed(distance as isize))
            });
            Line { at, text, goes }
        };
        code.chunks(4).enumerate().map(line).collect()
    }
}

/// The block at `pc` of a machine's program, for every processor: none if there is none there.
pub(crate) fn listings(state: &State, settings: &Settings, pc: u32) -> Option<[String; 2]> {
    Some([listing::<X64>(state, settings, pc)?, listing::<A64>(state, settings, pc)?])
}

fn listing<T: Listed>(state: &State, settings: &Settings, pc: u32) -> Option<String> {
    let program_len = state.memory().program_len() as usize;
    // SAFETY: zero bytes are a way.
    let mut table = unsafe { Table::new(program_len, Backing::OnTouch) }.expect("address space");
    table.make_room(program_len).expect("memory");
    let (routines, _) = T::routines(ROUTINES, &settings.lookup, settings.count);
    let by_host = FxHashSet::default();
    let around =
        Circumstances { state, routines: &routines, table: &table, base: ROUTINES, cold: COLD, by_host: &by_host, settings };
    let mut buffer = Buffer::new();
    buffer.start(HOT);
    let block = translate::<T>(&around, pc, &mut buffer)?;
    let (hot, cold) = buffer.finish();
    let mut text =
        format!("{} block at {pc}: {} words, {} bytes and {} aside\n", T::NAME, block.words, hot.len(), cold.len());
    for link in &block.links {
        writeln!(text, "link at {}: to {}", link.at, link.to).expect("text grows");
    }
    let mut lines = T::decoded(HOT, hot);
    lines.extend(T::decoded(COLD, cold));
    let places = places(&routines, &lines);
    for Line { at, text: instruction, goes } in &lines {
        if let Some(label) = places.get(at) {
            writeln!(text, "{label}:").expect("text grows");
        }
        let done = match goes {
            Some((what, target)) => writeln!(text, "    {what} {}", places.get(target).map_or("nowhere", String::as_str)),
            None => writeln!(text, "    {instruction}"),
        };
        done.expect("text grows");
    }
    Some(text)
}

/// Names for every place that code goes to.
fn places(routines: &Routines, lines: &[Line]) -> BTreeMap<usize, String> {
    let Routines { leave_check, leave_next, leave_limit, leave_poll, hot, .. } = *routines;
    let Routines { find_load, find_store, alloc, abandon, put, event, step, .. } = *routines;
    let named = [
        (ROUTINES, "no_block"),
        (leave_check, "leave_check"),
        (leave_next, "leave_next"),
        (leave_limit, "leave_limit"),
        (leave_poll, "leave_poll"),
        (hot, "hot"),
        (find_load, "find_load"),
        (find_store, "find_store"),
        (alloc, "alloc"),
        (abandon, "abandon"),
        (put, "put"),
        (event, "event"),
        (step, "step"),
    ];
    let mut places: BTreeMap<usize, String> = named.map(|(at, name)| (at, name.to_owned())).into();
    let targets = lines.iter().filter_map(|line| line.goes.as_ref()).map(|&(_, target)| target);
    let inside: BTreeSet<usize> = targets.filter(|&target| target >= HOT).collect();
    places.extend(inside.into_iter().enumerate().map(|(number, at)| (at, format!("l{number}"))));
    places
}
