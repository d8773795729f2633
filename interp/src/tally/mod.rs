//! Counting everything: how often each word is executed, who calls whom, what is allocated where.
//!
//! Control leaves a straight line at jumps only, so it is enough to count *jumps to* each word: a word was executed as often as it was
//! jumped to, and as often as the one before it unless that is a jump. Compiled code counts a jump where it makes it, by one addition. The jumps
//! that may be calls or returns are *events*: they are put on a list, and when that is full, or the program ends, the stack of calls is
//! brought up to date (`calls.rs`). A loop around a whole procedure is none: that is seen by how often the procedure begins. Which jumps are
//! events is a matter of *marks*, which are read from the program (`line.rs`): the upper half of a jump's says what kinds of targets make it one, the
//! lower half of a word's what kind of a target it is.
//!
//! A word may change from a jump to something else, or back. Before something is derived from words, their marks are looked at
//! ([`Tally::look_at`]); if one is wrong, what was counted behind the word up to then is corrected with the mark.

mod calls;
mod counted;
mod line;

pub use self::counted::{Block, Call, Counted, Made, Procedure, Site, Stack};
pub use self::line::called;

use self::calls::Calls;
use self::line::Jump;
use crate::isa::{Op, Word};
use crate::pages::Pages;
use crate::reserve::Backing;
use rustc_hash::FxHashMap;
use std::io;
use std::mem::offset_of;

/// The word is a jump.
pub const MARK_JUMP: u8 = 1;
/// Calls return to the word; of a jump, this and the next two in the upper half: to what kinds of words it is an event.
pub const MARK_BACK: u8 = 2;
/// Calls are known to go to the word.
pub const MARK_ENTRY: u8 = 4;
/// A call went to the word. The only one that is set while a program runs.
pub const MARK_CALLED: u8 = 8;
/// In the upper half: the jump is a call, and always an event.
pub const MARK_CALL: u8 = 1;
/// How far the upper half stands above the lower.
pub const MARK_SHIFT: u32 = 4;

/// Where the parts of an event are, and how long it is, in bytes.
pub const EVENT_NOW: i32 = offset_of!(Event, now) as i32;
/// See [`EVENT_NOW`].
pub const EVENT_FROM: i32 = offset_of!(Event, from) as i32;
/// See [`EVENT_NOW`].
pub const EVENT_TARGET: i32 = offset_of!(Event, target) as i32;
/// See [`EVENT_NOW`].
pub const EVENT_BYTES: i64 = size_of::<Event>() as i64;

/// Events that are noted before the stack is brought up to date.
const EVENTS: usize = 1 << 10;

/// A jump that may be a call or a return.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Event {
    /// Instructions executed, the jump included.
    now: u64,
    from: u32,
    target: u32,
}

/// The tables. Compiled code reads and writes them, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub struct Tally {
    /// How often each word was jumped to since that was last added up.
    pub(crate) jumps: *mut u64,
    pub(crate) marks: *mut u8,
    /// Where the next event goes, and where there is no more room.
    pub(crate) next: *mut Event,
    pub(crate) end: *mut Event,
    /// Words in the segments made by each word of the program.
    pub(crate) made: *mut u64,
    /// Where the segment with an identifier was made: the number of a word.
    pub(crate) sites: *mut u32,
    /// The number of the program's word 0.
    pub(crate) first_site: u32,
    /// Words of the program.
    len: u32,
    rest: Option<Box<Rest>>,
}

// SAFETY: the pointers lead into what the struct owns.
unsafe impl Send for Tally {}

/// What only the host works with.
#[derive(Debug)]
struct Rest {
    program: u64,
    jumps: Pages,
    marks: Pages,
    made: Pages,
    sites: Pages,
    /// Identifiers that `sites` has room for.
    ids: u64,
    events: Box<[Event; EVENTS]>,
    calls: Calls,
    counted: Counted,
    /// By the numbers of words.
    allocations: FxHashMap<u32, Made>,
    /// The first numbers of words of all programs.
    firsts: Vec<u32>,
}

impl Tally {
    /// Counts nothing.
    pub(crate) fn off() -> Tally {
        Tally {
            jumps: std::ptr::null_mut(),
            marks: std::ptr::null_mut(),
            next: std::ptr::null_mut(),
            end: std::ptr::null_mut(),
            made: std::ptr::null_mut(),
            sites: std::ptr::null_mut(),
            first_site: 0,
            len: 0,
            rest: None,
        }
    }

    /// Tables for programs of up to `words_max` words, and identifiers below a bound.
    ///
    /// # Errors
    /// The system has no address space for them.
    pub(crate) fn new(words_max: usize, ids: u64, backing: Backing) -> io::Result<Tally> {
        let of_words = |bytes: usize| Pages::new((words_max + 1) * bytes, backing);
        let [jumps, marks, made] = [of_words(8)?, of_words(1)?, of_words(8)?];
        let mut sites = Pages::new(ids as usize * size_of::<u32>(), backing)?;
        sites.make_room(ids as usize * size_of::<u32>())?;
        [&jumps, &made, &sites].iter().for_each(|table| table.prefer_huge());
        let mut rest = Box::new(Rest {
            program: 0,
            jumps,
            marks,
            made,
            sites,
            ids,
            events: Box::new([Event::default(); EVENTS]),
            calls: Calls::default(),
            counted: Counted::default(),
            allocations: FxHashMap::default(),
            firsts: Vec::new(),
        });
        let next = rest.events.as_mut_ptr();
        Ok(Tally {
            jumps: rest.jumps.start().cast(),
            marks: rest.marks.start(),
            next,
            end: next.wrapping_add(EVENTS),
            made: rest.made.start().cast(),
            sites: rest.sites.start().cast(),
            first_site: 1,
            len: 0,
            rest: Some(rest),
        })
    }

    /// Whether anything is counted.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.rest.is_some()
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.as_mut().expect("something is counted")
    }

    /// The mark of the word at `pc`, or of what lies behind the program.
    pub fn mark(&self, pc: u32) -> u8 {
        // SAFETY: there is one mark more than words.
        unsafe { *self.marks.add(pc.min(self.len) as usize) }
    }

    fn change(&mut self, pc: u32, set: u8, clear: u8) {
        // SAFETY: as above.
        unsafe {
            let mark = self.marks.add(pc.min(self.len) as usize);
            *mark = *mark & !clear | set;
        }
    }

    /// Adds to the jumps to a word, or takes some away.
    fn add(&mut self, pc: u32, more: i64) {
        // SAFETY: there is a number more than words.
        unsafe {
            let count = self.jumps.add(pc.min(self.len) as usize);
            *count = (*count).wrapping_add(more as u64);
        }
    }

    /// The first program begins.
    ///
    /// # Errors
    /// The system has no memory.
    pub(crate) fn start(&mut self, program: &[Word]) -> io::Result<()> {
        self.make_room(program.len())?;
        self.begin(program, 0, 0);
        Ok(())
    }

    /// Makes room for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory.
    pub(crate) fn make_room(&mut self, words: usize) -> io::Result<()> {
        let rest = self.rest();
        rest.jumps.make_room((words + 1) * 8)?;
        rest.marks.make_room(words + 1)?;
        rest.made.make_room((words + 1) * 8)
    }

    fn begin(&mut self, program: &[Word], pc: u32, now: u64) {
        self.len = program.len() as u32;
        for mark in 0..=self.len {
            self.change(mark, 0, u8::MAX);
        }
        self.mark_line(program, 0, self.len);
        self.add(pc, 1);
        let first = self.first_site;
        let rest = self.rest();
        rest.firsts.push(first);
        rest.calls.begin(rest.program, program.len(), pc.min(program.len() as u32), now);
    }

    /// Marks the jumps among some words, and where they lead.
    fn mark_line(&mut self, program: &[Word], start: u32, end: u32) {
        let jumps: Vec<Jump> = line::jumps(start, &program[start as usize..end as usize]).collect();
        for jump in jumps.iter().filter(|jump| jump.calls) {
            self.change(jump.pc + 1, MARK_BACK, 0);
            jump.targets().for_each(|to| self.change(to, MARK_ENTRY, 0));
        }
        let begins = (0..=start).rev().find(|&pc| self.mark(pc) & MARK_ENTRY != 0);
        let mut procedure = begins.unwrap_or_default();
        let mut upto = start;
        for jump in jumps {
            procedure = (upto..=jump.pc).rev().find(|&at| self.mark(at) & MARK_ENTRY != 0).unwrap_or(procedure);
            upto = jump.pc + 1;
            let kinds = match jump.targets().next() {
                // A loop around a procedure is told by how often that begins.
                Some(_) if jump.targets().all(|to| to == procedure || self.mark(to) & MARK_ENTRY == 0) => 0,
                Some(_) => MARK_ENTRY,
                None => MARK_BACK | MARK_ENTRY | MARK_CALLED,
            };
            let call = if jump.calls { MARK_CALL } else { 0 };
            self.change(jump.pc, MARK_JUMP | (kinds | call) << MARK_SHIFT, 0);
        }
    }

    /// A jump, when so many instructions were executed, it included.
    #[inline(always)]
    pub(crate) fn jumped(&mut self, now: u64, from: u32, target: u32) {
        self.add(target, 1);
        let kinds = self.mark(from) >> MARK_SHIFT;
        if kinds & (self.mark(target) & !MARK_JUMP | MARK_CALL) == 0 {
            return;
        }
        if kinds & MARK_CALL != 0 {
            self.change(target, MARK_CALLED, 0);
        }
        // SAFETY: there is room at `next` whenever it is not the end.
        unsafe {
            *self.next = Event { now, from, target };
            self.next = self.next.add(1);
        }
        if self.next == self.end {
            self.drain();
        }
    }

    /// Who was called and has not returned, the first one first; nothing if nothing is counted.
    pub fn stack(&mut self) -> Vec<Call> {
        if self.rest.is_none() {
            return Vec::new();
        }
        self.drain();
        self.rest().calls.stack()
    }

    /// Brings the stack of calls up to date.
    pub fn drain(&mut self) {
        let (len, marks) = (self.len, self.marks);
        // SAFETY: as in `mark`.
        let mark = |pc: u32| unsafe { *marks.add(pc.min(len) as usize) };
        let next = self.next;
        let rest = self.rest();
        let start = rest.events.as_mut_ptr();
        // SAFETY: both lead into the events.
        let count = unsafe { next.offset_from(start) } as usize;
        for &Event { now, from, target } in &rest.events[..count] {
            let (target, kinds, back) = (target.min(len), mark(from) >> MARK_SHIFT, from + 1);
            let kind = mark(target);
            if kinds & kind & MARK_BACK != 0 && rest.calls.returned(target, now) {
                continue;
            }
            if kinds & MARK_CALL != 0 && target != back {
                rest.calls.called(target, back, now);
            } else if kind & MARK_CALLED != 0 {
                rest.calls.tail_called(target, now);
            }
        }
        self.next = start;
    }

    /// A word was executed that was read just then: a jump, or something else.
    pub(crate) fn executed(&mut self, pc: u32, is_jump: bool) {
        // What comes next was not, or was, although the word's mark has it otherwise.
        match (self.mark(pc) & MARK_JUMP != 0, is_jump) {
            (false, true) => self.add(pc + 1, -1),
            (true, false) => self.add(pc + 1, 1),
            _ => {}
        }
    }

    /// The halt at `pc` was executed, and control stays there.
    pub(crate) fn halted(&mut self, pc: u32) {
        self.add(pc, 1);
        self.add(pc + 1, -1);
    }

    /// Something is about to be derived from some words, before the instruction at `at`: corrects marks that are wrong.
    pub fn look_at(&mut self, program: &[Word], words: std::ops::Range<u32>, at: u32) {
        let jumps = |pc: u32| Op::of(program[pc as usize]) == Op::LoadProgram;
        for pc in words.start..words.end.min(self.len) {
            if jumps(pc) == (self.mark(pc) & MARK_JUMP != 0) {
                continue;
            }
            let start = (0..pc).rev().find(|&before| self.mark(before) & MARK_JUMP != 0).map_or(0, |before| before + 1);
            // How often the word was executed, and what comes behind it was or was not; control may not have come so far yet.
            // SAFETY: there is a number for every word.
            let count = |pc: u32| unsafe { *self.jumps.add(pc as usize) as i64 };
            let executed = (start..=pc).map(count).sum::<i64>() - i64::from((start..=pc).contains(&at));
            if jumps(pc) {
                self.add(pc + 1, executed);
                self.mark_line(program, start, pc + 1);
            } else {
                self.add(pc + 1, -executed);
                self.change(pc, 0, MARK_JUMP | u8::MAX << MARK_SHIFT);
            }
        }
    }

    /// Adds up how often words were executed; the one at `at`, where control is, was not yet.
    fn add_up(&mut self, program: &[Word], at: u32) {
        let (made, first) = (self.made, self.first_site);
        let mut running = 0u64;
        let mut block = 0; // what the one that is being added to was executed, 0 if there is none
        for pc in 0..=self.len {
            // SAFETY: there is a number more than words.
            let count = unsafe {
                let count = self.jumps.add(pc as usize);
                match *count {
                    0 => 0, // Not written to: most pages never are.
                    _ => std::mem::take(&mut *count),
                }
            };
            let mark = self.mark(pc);
            running = running.wrapping_add(count).wrapping_sub(u64::from(pc == at.min(self.len)));
            let is_word = pc < self.len;
            let rest = self.rest();
            if mark & MARK_CALLED != 0 {
                rest.calls.entered(pc, count);
            }
            if running != 0 && is_word {
                let site = Site { program: rest.program, pc };
                match rest.counted.blocks.last_mut() {
                    Some(last) if block == running => last.words += 1,
                    _ => rest.counted.blocks.push(Block { site, words: 1, count: running }),
                }
                if Op::of(program[pc as usize]) == Op::Alloc {
                    // SAFETY: there is a number for every word.
                    let words = unsafe { std::mem::take(&mut *made.add(pc as usize)) };
                    rest.allocations
                        .insert(first.wrapping_add(pc), Made { segments: running, words, ..Made::default() });
                }
            }
            if mark & MARK_JUMP != 0 {
                running = 0;
            }
            block = running;
        }
    }

    /// A segment was made by the instruction at `pc`.
    #[inline(always)]
    pub(crate) fn allocated(&mut self, pc: u32, id: u32, words: u32) {
        // SAFETY: there is a number for every word, and for every identifier.
        unsafe {
            *self.made.add(pc as usize) += u64::from(words);
            *self.sites.add(id as usize) = self.first_site.wrapping_add(pc);
        }
    }

    /// The program is about to be replaced.
    pub(crate) fn unload(&mut self, program: &[Word]) {
        self.drain();
        // No word of it comes next.
        self.add(self.len, 1);
        self.add_up(program, self.len);
    }

    /// Another program begins at a word; there is room for it.
    pub(crate) fn loaded(&mut self, program: &[Word], now: u64, pc: u32) {
        self.first_site = self.first_site.saturating_add(self.len);
        self.rest().program += 1;
        self.begin(program, pc, now);
    }

    /// Ends counting before the instruction at `at`. `live` are the identifiers and
    /// lengths of segments.
    pub(crate) fn finish(
        &mut self,
        program: &[Word],
        now: u64,
        at: u32,
        live: impl Iterator<Item = (u32, u32)>,
    ) -> Counted {
        self.drain();
        self.add_up(program, at);
        let sites = self.sites;
        let rest = self.rest();
        for (id, words) in live.filter(|&(id, _)| u64::from(id) < rest.ids) {
            // SAFETY: there is a number for every identifier.
            let number = unsafe { *sites.add(id as usize) };
            if let Some(made) = rest.allocations.get_mut(&number) {
                made.live_segments += 1;
                made.live_words += u64::from(words);
            }
        }
        let mut counted = std::mem::take(&mut rest.counted);
        rest.calls.finish(now, &mut counted);
        let site = |number: u32| {
            // Behind four thousand million words of programs numbers run over: what was made there is not told.
            let program = rest.firsts.partition_point(|&first| first <= number).checked_sub(1)?;
            Some(Site { program: program as u64, pc: number - rest.firsts[program] })
        };
        let made = |(&number, &made)| Some((site(number)?, made));
        counted.allocations = rest.allocations.iter().filter_map(made).collect();
        counted.allocations.sort_unstable_by_key(|&(site, _)| site);
        *self = Tally::off();
        counted
    }
}
