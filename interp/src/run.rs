//! The interpreter's loop: executes decoded entries until something has to be said, and knows nothing of compiled code.
//!
//! The loop contains only what is quick and cannot fail. An instruction that needs more (a console, a fault, a store
//! into code, a walk for free space, the first execution at a word) is left to [`step`], which has the one full account
//! of each operator; the loop then goes on behind it.
//!
//! Instructions are counted by distance: between two jumps the pc moves by one word per instruction.
//!
//! At each jump, and only there, the loop looks at the poll word, at the budget, and with `HOT` at the heat of the
//! target.

use crate::console::Console;
use crate::decode::{Entry, Handler, with_pairs};
use crate::isa::Word;
use crate::memory::{GRANULE_BYTES, LARGE, SMALL_WORDS_MAX, small_granules};
use crate::program::WATCH_VALUE;
use crate::state::State;
use crate::step::{Stop, step};

/// Executes at most up to an instruction count of `until` (as `State::executed` counts); stops before that at a jump to
/// a word whose heat is `threshold`, if one is given.
///
/// The stop is `Interrupted` whenever the poll word is not 0; its bits stay set.
pub(crate) fn run(state: &mut State, console: &mut dyn Console, until: u64, threshold: Option<i32>) -> Stop {
    loop {
        // The quick loop checks the count at jumps only. A stretch without a jump is shorter than the program, so
        // while that much is left it cannot go too far; the rest is done one by one.
        let longest_stretch = u64::from(state.memory.program_len) + 1;
        let left = until.saturating_sub(state.executed);
        let stop = match threshold {
            _ if left <= longest_stretch => step_until(state, console, until),
            Some(threshold) => quick::<true>(state, console, until - longest_stretch, threshold),
            None => quick::<false>(state, console, until - longest_stretch, 0),
        };
        match stop {
            Err(stop) => return stop,
            Ok(()) if state.polled() => return Stop::Interrupted,
            Ok(()) => {}
        }
    }
}

/// Executes exactly up to an instruction count of `until`.
#[cold]
fn step_until(state: &mut State, console: &mut dyn Console, until: u64) -> Result<(), Stop> {
    let replacements = state.replacements;
    while state.executed < until {
        if state.polled() {
            return Ok(());
        }
        step(state, console)?;
        if state.replacements != replacements {
            // The new program may be shorter, and the quick loop possible again.
            return Ok(());
        }
    }
    Err(Stop::Budget)
}

/// Registers and addresses that the quick loop keeps at hand. Valid while segment 0 is not replaced.
#[derive(Clone, Copy)]
struct View {
    registers: *mut u32,
    data: *mut u8,
    lens: *const u8,
    id_bound: u64,
    watch: *const u8,
    program_len: u32,
}

impl View {
    fn of(state: &mut State) -> View {
        View {
            registers: state.registers.as_mut_ptr(),
            data: state.memory.data,
            lens: state.memory.lens,
            id_bound: state.memory.id_bound,
            watch: state.program.watch,
            program_len: state.memory.program_len,
        }
    }

    /// # Safety
    /// `register` is below 8, as in every entry; the view's state is alive and only used through the view.
    #[inline(always)]
    unsafe fn get(self, register: u8) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { *self.registers.add(usize::from(register)) }
    }

    /// # Safety
    /// As [`View::get`].
    #[inline(always)]
    unsafe fn set(self, register: u8, value: u32) {
        // SAFETY: the caller's promise.
        unsafe { *self.registers.add(usize::from(register)) = value }
    }

    /// # Safety
    /// The view is valid.
    #[inline(always)]
    unsafe fn word(self, id: u32, offset: u32) -> *mut Word {
        // SAFETY: only the address of a word that the caller has checked.
        unsafe { self.data.add(id as usize * GRANULE_BYTES).cast::<Word>().add(offset as usize) }
    }

    #[inline(always)]
    unsafe fn len_byte(self, id: u32) -> u8 {
        if u64::from(id) >= self.id_bound {
            return 0;
        }
        // SAFETY: the length bytes reach to `id_bound`.
        unsafe { *self.lens.add(id as usize) }
    }

    /// The test that `offset` lies inside the active segment `id`, which is not 0.
    ///
    /// # Safety
    /// The view is valid.
    #[inline(always)]
    unsafe fn reaches(self, id: u32, offset: u32) -> bool {
        // SAFETY: a large segment has its length in the header granule before its words.
        unsafe {
            let len = self.len_byte(id);
            u64::from(offset) + 1 < u64::from(len) || (len == LARGE && offset < *self.word(id - 1, 0))
        }
    }

    /// # Safety
    /// The view is valid.
    #[inline(always)]
    unsafe fn load(self, id: u32, offset: u32) -> Option<Word> {
        // SAFETY: both tests prove that the word exists.
        unsafe {
            if id == 0 {
                return (offset < self.program_len).then(|| *self.word(0, offset));
            }
            self.reaches(id, offset).then(|| *self.word(id, offset))
        }
    }

    /// Stores where that needs nothing else: not outside, not into a word that somebody depends on.
    ///
    /// # Safety
    /// The view is valid.
    #[inline(always)]
    unsafe fn store(self, id: u32, offset: u32, value: Word) -> bool {
        // SAFETY: both tests prove that the word exists.
        unsafe {
            let possible = if id == 0 { self.storable(offset) } else { self.reaches(id, offset) };
            if possible {
                *self.word(id, offset) = value;
            }
            possible
        }
    }

    /// Whether a store to `offset` of segment 0 is inside and of no consequence for what is cached about the program.
    ///
    /// # Safety
    /// The view is valid.
    #[inline(always)]
    unsafe fn storable(self, offset: u32) -> bool {
        // SAFETY: there is a watch byte for every word of segment 0.
        offset < self.program_len && unsafe { *self.watch.add(offset as usize) & WATCH_VALUE == 0 }
    }
}

/// The loop proper. Returns `Ok` when the poll word is set or the count has reached `until`, always at a jump.
fn quick<const HOT: bool>(
    state: &mut State,
    console: &mut dyn Console,
    until: u64,
    threshold: i32,
) -> Result<(), Stop> {
    'outside: loop {
        let view = View::of(state);
        let entries = state.program.entries.cast_const();
        let heat = state.program.heat;
        let replacements = state.replacements;
        let mut first_visit = false;
        if state.pc >= view.program_len {
            return step(state, console);
        }
        // Why the loop below is sound: `at` points to the entry of a word of segment 0 or at most one behind it, where
        // the entry is `Undecoded`; entries hold register numbers below 8; the view stays valid until segment 0 is
        // replaced, which only `step` does. Each access to a segment is made after the view's test for it.
        // SAFETY: the pc lies in segment 0.
        let mut at = unsafe { entries.add(state.pc as usize) };
        let mut start = at;
        loop {
            // Ends with the number of words before the instruction that `step` has to execute.
            // SAFETY: see above.
            let words_before: usize = unsafe {
                'quick: loop {
                    let entry = *at;

                    macro_rules! get {
                        ($register:expr) => {
                            view.get($register)
                        };
                    }
                    macro_rules! set {
                        ($register:expr, $value:expr) => {{
                            let value = $value;
                            view.set($register, value)
                        }};
                    }
                    // Goes to `$target`; the instruction that jumps is the last of `$words`.
                    macro_rules! jump {
                        ($target:expr, $words:expr) => {{
                            let target: u32 = $target;
                            state.executed += at.add($words).offset_from(start) as u64;
                            if state.polled() || state.executed >= until {
                                state.pc = target;
                                return Ok(());
                            }
                            if HOT {
                                let count = &mut *heat.add(target as usize);
                                if *count >= threshold {
                                    state.pc = target;
                                    state.jumped_from = pc_of(entries, at.add($words - 1));
                                    return Err(Stop::Hot);
                                }
                                *count += 1;
                            }
                            at = entries.add(target as usize);
                            start = at;
                            continue 'quick;
                        }};
                    }
                    // One instruction with the given operands; `$before` words of the entry lie before it.
                    macro_rules! exec {
                        (Literal, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {
                            set!(entry.$a, entry.$imm)
                        };
                        (Index, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            match view.load(get!(entry.$b), get!(entry.$c)) {
                                Some(value) => set!(entry.$a, value),
                                None => break 'quick $before,
                            }
                        }};
                        (Amend, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            if !view.store(get!(entry.$a), get!(entry.$b), get!(entry.$c)) {
                                break 'quick $before;
                            }
                        }};
                        (Add, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {
                            set!(entry.$a, get!(entry.$b).wrapping_add(get!(entry.$c)))
                        };
                        (Mul, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {
                            set!(entry.$a, get!(entry.$b).wrapping_mul(get!(entry.$c)))
                        };
                        (Nand, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {
                            set!(entry.$a, !(get!(entry.$b) & get!(entry.$c)))
                        };
                        (Div, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            match get!(entry.$b).checked_div(get!(entry.$c)) {
                                Some(quotient) => set!(entry.$a, quotient),
                                None => break 'quick $before,
                            }
                        }};
                        (CondMove, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            let chosen = if get!(entry.$c) != 0 { entry.$b } else { entry.$a };
                            set!(entry.$a, get!(chosen))
                        }};
                        (Alloc, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            let words = get!(entry.$c);
                            let memory = &mut state.memory;
                            if words > SMALL_WORDS_MAX || memory.run_end - memory.cursor < small_granules(words) {
                                break 'quick $before;
                            }
                            let id = memory.cursor;
                            memory.cursor += small_granules(words);
                            *memory.lens.add(id as usize) = words as u8 + 1;
                            set!(entry.$b, id)
                        }};
                        (Abandon, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            let id = get!(entry.$c);
                            if matches!(view.len_byte(id), 0 | LARGE) {
                                break 'quick $before;
                            }
                            *state.memory.lens.add(id as usize) = 0
                        }};
                        (Output, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            let value = get!(entry.$c);
                            if value > 255 || !state.output.push(value as u8) {
                                break 'quick $before;
                            }
                        }};
                        (LoadProgram, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            let target = get!(entry.$c);
                            if get!(entry.$b) != 0 || target >= view.program_len {
                                break 'quick $before;
                            }
                            jump!(target, $before + 1)
                        }};
                    }
                    // A load from, or store to, a constant offset of the program; two words, the literal first.
                    macro_rules! slot {
                        (load, $at:ident $segment:ident $data:ident $imm:ident, $before:literal) => {{
                            set!(entry.$at, entry.$imm);
                            if get!(entry.$segment) == 0 {
                                set!(entry.$data, *view.word(0, entry.$imm))
                            } else {
                                match view.load(get!(entry.$segment), entry.$imm) {
                                    Some(value) => set!(entry.$data, value),
                                    None => break 'quick $before + 1,
                                }
                            }
                        }};
                        (store, $at:ident $segment:ident $data:ident $imm:ident, $before:literal) => {{
                            set!(entry.$at, entry.$imm);
                            if !view.store(get!(entry.$segment), entry.$imm, get!(entry.$data)) {
                                break 'quick $before + 1;
                            }
                        }};
                    }
                    macro_rules! go_on {
                        ($words:literal) => {{
                            at = at.add($words);
                            continue 'quick;
                        }};
                    }
                    macro_rules! dispatch {
                    (single { $($single:ident)* } pair { $($pair:ident = $first:ident $second:ident,)* }) => {
                        #[allow(unreachable_code)] // Jumps do not go on.
                        match entry.handler {
                            $(Handler::$single => {
                                exec!($single, a b c imm, 0);
                                go_on!(1)
                            })*
                            $(Handler::$pair => {
                                exec!($first, a b c imm, 0);
                                exec!($second, d e f imm2, 1);
                                go_on!(2)
                            })*
                            Handler::Branch => {
                                set!(entry.a, entry.imm);
                                set!(entry.b, entry.imm2);
                                let target = if get!(entry.c) != 0 { entry.imm2 } else { entry.imm };
                                set!(entry.a, target);
                                if get!(entry.d) != 0 {
                                    break 'quick 3;
                                }
                                jump!(target, 4)
                            }
                            Handler::SlotLoadLoad => {
                                slot!(load, a b c imm, 0);
                                slot!(load, d e f imm2, 2);
                                go_on!(4)
                            }
                            Handler::SlotLoadStore => {
                                slot!(load, a b c imm, 0);
                                slot!(store, d e f imm2, 2);
                                go_on!(4)
                            }
                            Handler::SlotStoreLoad => {
                                slot!(store, a b c imm, 0);
                                slot!(load, d e f imm2, 2);
                                go_on!(4)
                            }
                            Handler::SlotStoreStore => {
                                slot!(store, a b c imm, 0);
                                slot!(store, d e f imm2, 2);
                                go_on!(4)
                            }
                            Handler::Slow => break 'quick 0,
                            Handler::Undecoded => {
                                state.pc = pc_of(entries, at);
                                if state.pc >= view.program_len {
                                    break 'quick 0;
                                }
                                if !state.program.visit(state.pc) {
                                    first_visit = true;
                                    break 'quick 0;
                                }
                                state.program.decode(state.memory.program(), state.pc);
                                continue 'quick;
                            }
                        }
                    };
                }
                    with_pairs! { dispatch {
                        single { CondMove Index Amend Add Mul Div Nand Alloc Abandon Output LoadProgram Literal }
                    } }
                }
            };
            // SAFETY: both point into the table of entries.
            unsafe {
                at = at.add(words_before);
                state.executed += at.offset_from(start) as u64;
            }
            state.pc = pc_of(entries, at);
            loop {
                let mut before = state.pc;
                step(state, console)?;
                if first_visit {
                    // The rest of what was visited for the first time, up to a jump.
                    while state.pc == before.wrapping_add(1) && state.program.is_first_visit(state.pc, view.program_len)
                    {
                        before = state.pc;
                        step(state, console)?;
                    }
                }
                let jumped = state.pc != before.wrapping_add(1);
                // A jump too, for those who want control: a program may do nothing but load programs.
                if jumped && (state.polled() || state.executed >= until) {
                    return Ok(());
                }
                if state.replacements != replacements {
                    // How far the loop may go without looking at the count depends on the program's length.
                    return Ok(());
                }
                if state.pc >= view.program_len {
                    continue 'outside;
                }
                if jumped && first_visit && !state.program.visit(state.pc) {
                    continue;
                }
                if HOT && jumped && state.program.heat(state.pc) >= threshold {
                    state.jumped_from = before;
                    return Err(Stop::Hot);
                }
                first_visit = false;
                break;
            }
            // SAFETY: the pc lies in segment 0.
            at = unsafe { entries.add(state.pc as usize) };
            start = at;
        }
    }
}

/// The offset in segment 0 that an entry belongs to.
#[inline(always)]
fn pc_of(entries: *const Entry, at: *const Entry) -> u32 {
    // SAFETY: both point into the table of entries.
    unsafe { at.offset_from(entries) as u32 }
}
