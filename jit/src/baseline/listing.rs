//! Blocks as text, for golden tests: instructions of the host, with names for where they go.

use super::buffer::Buffer;
use super::routines::{self, Routines};
use super::table::Table;
use super::translate::{Circumstances, translate};
use crate::settings::Settings;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, NasmFormatter};
use rum_interp::engine::{Backing, State};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Where the routines, a block, and the part of it that is hardly ever executed stand: everywhere the same.
const ROUTINES: usize = 0x1000_0000;
const HOT: usize = 0x2000_0000;
const COLD: usize = 0x3000_0000;

/// The block at `pc` of a machine's program: none if there is none there.
pub(crate) fn listing(state: &State, settings: &Settings, pc: u32) -> Option<String> {
    let program_len = state.memory().program_len() as usize;
    // SAFETY: zero bytes are a way.
    let mut table = unsafe { Table::new(program_len, Backing::OnTouch) }.expect("address space");
    table.make_room(program_len).expect("memory");
    let (routines, _) = routines::write(ROUTINES, &settings.lookup, settings.count);
    let by_host = FxHashSet::default();
    let around = Circumstances {
        state,
        routines: &routines,
        table: &table,
        base: ROUTINES,
        cold: COLD,
        by_host: &by_host,
        settings,
    };
    let mut buffer = Buffer::new();
    buffer.start(HOT);
    let block = translate(&around, pc, &mut buffer)?;
    let (hot, cold) = buffer.finish();
    let mut text = format!("block at {pc}: {} words, {} bytes and {} aside\n", block.words, hot.len(), cold.len());
    for link in &block.links {
        writeln!(text, "link at {}: to {}", link.at, link.to).expect("text grows");
    }
    let parts = [(HOT, &*hot), (COLD, &*cold)];
    let places = places(&routines, &parts);
    let mut formatter = NasmFormatter::new();
    for instruction in parts.iter().flat_map(|&(at, code)| decoded(at, code)) {
        if let Some(label) = places.get(&(instruction.ip() as usize)) {
            writeln!(text, "{label}:").expect("text grows");
        }
        text.push_str("    ");
        match goes_to(&instruction) {
            Some(target) => {
                let name = places.get(&target).map_or("nowhere", String::as_str);
                let mnemonic = format!("{:?}", instruction.mnemonic()).to_lowercase();
                write!(text, "{mnemonic} {name}").expect("text grows");
            }
            None => formatter.format(&instruction, &mut text),
        }
        text.push('\n');
    }
    Some(text)
}

fn decoded(at: usize, code: &[u8]) -> impl Iterator<Item = Instruction> + '_ {
    let mut decoder = Decoder::with_ip(64, code, at as u64, DecoderOptions::NONE);
    std::iter::from_fn(move || decoder.can_decode().then(|| decoder.decode()))
}

/// Where an instruction goes, if it jumps or calls.
fn goes_to(instruction: &Instruction) -> Option<usize> {
    let target = instruction.near_branch_target();
    (target != 0).then_some(target as usize)
}

/// Names for every place that code goes to.
fn places(routines: &Routines, parts: &[(usize, &[u8])]) -> BTreeMap<usize, String> {
    let Routines { leave_check, leave_next, leave_limit, leave_poll, hot, .. } = *routines;
    let Routines { find_load, find_store, alloc, abandon, put, step, .. } = *routines;
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
        (step, "step"),
    ];
    let mut places: BTreeMap<usize, String> = named.map(|(at, name)| (at, name.to_owned())).into();
    let targets = parts.iter().flat_map(|&(at, code)| decoded(at, code)).filter_map(|instruction| goes_to(&instruction));
    let inside: std::collections::BTreeSet<usize> = targets.filter(|&target| target >= HOT).collect();
    places.extend(inside.into_iter().enumerate().map(|(number, at)| (at, format!("l{number}"))));
    places
}
