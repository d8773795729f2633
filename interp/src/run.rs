//! The interpreter's loop: executes decoded entries until something has to be said.
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
use crate::decode::{FUSED_MAX, Handler, with_pairs};
use crate::heat::{Heat, HeatTable};
use crate::once::{Straight, straight};
use crate::state::State;
use crate::step::step;
use crate::stop::Stop;
use crate::view::{View, pc_of};

/// Why the loop gives control back.
#[derive(Debug)]
pub enum Pause {
    /// The machine does not go on by itself.
    Stop(Stop),
    /// The word at the pc has become hot.
    Hot {
        /// Offset of the word that jumped there.
        from: u32,
    },
    /// The word at the pc can be executed otherwise ([`Heat::HasCode`]).
    HasCode,
}

impl From<Stop> for Pause {
    fn from(stop: Stop) -> Pause {
        Pause::Stop(stop)
    }
}

impl Pause {
    /// At a jump from the word at `from` to a word whose heat is the threshold.
    #[cold]
    fn at_threshold(heat: &HeatTable, pc: u32, from: u32) -> Pause {
        match heat.get(pc) {
            Heat::HasCode => Pause::HasCode,
            _ => Pause::Hot { from },
        }
    }
}

/// Executes at most up to an instruction count of `until` (as `State::executed` counts); stops before that at a jump to
/// a word whose heat is `threshold`, if one is given.
///
/// It stops as `Interrupted` whenever the poll word is not 0; its bits stay set.
pub(crate) fn run(state: &mut State, console: &mut dyn Console, until: u64, threshold: Option<i32>) -> Pause {
    loop {
        // The quick loop checks the count at jumps only. A stretch without a jump is shorter than the program, so
        // while that much is left it cannot go too far; the rest is done one by one.
        let longest_stretch = u64::from(state.guest.memory.program_len) + 1;
        let left = until.saturating_sub(state.guest.executed);
        let is_observed = state.tally.is_on() || state.probes.are_set();
        let stop = match threshold {
            _ if left <= longest_stretch => step_until(state, console, until),
            Some(threshold) if is_observed => quick::<true, true>(state, console, until - longest_stretch, threshold),
            Some(threshold) => quick::<true, false>(state, console, until - longest_stretch, threshold),
            None if is_observed => quick::<false, true>(state, console, until - longest_stretch, 0),
            None => quick::<false, false>(state, console, until - longest_stretch, 0),
        };
        match stop {
            Err(pause) => return pause,
            Ok(()) if state.poll().is_raised() => return Stop::Interrupted.into(),
            Ok(()) => {}
        }
    }
}

/// Executes exactly up to an instruction count of `until`.
#[cold]
fn step_until(state: &mut State, console: &mut dyn Console, until: u64) -> Result<(), Pause> {
    let replacements = state.replacements;
    while state.guest.executed < until {
        if state.poll().is_raised() {
            return Ok(());
        }
        step(state, console)?;
        if state.replacements != replacements {
            // The new program may be shorter, and the quick loop possible again.
            return Ok(());
        }
    }
    Err(Stop::Budget.into())
}

/// The loop proper. Returns `Ok` when the poll word is set or the count has reached `until`, always at a jump. `OBSERVED` says whether
/// everything may be counted that a profile tells, or there may be probes.
#[expect(
    clippy::too_many_lines,
    reason = "one loop over all operators; its macros are local to keep hot values at hand"
)]
fn quick<const HOT: bool, const OBSERVED: bool>(
    state: &mut State,
    console: &mut dyn Console,
    until: u64,
    threshold: i32,
) -> Result<(), Pause> {
    'outside: loop {
        let view = View::of(state);
        let entries = view.entries;
        let heat = state.program.heat.numbers;
        let replacements = state.replacements;
        let mut first_visit = false;
        if state.guest.pc >= view.program_len {
            return Ok(step(state, console)?);
        }
        // Why the loop below is sound: `at` points to the entry of a word of segment 0 or at most one behind it, where
        // the entry is `Undecoded`; entries hold register numbers below 8; the view stays valid until segment 0 is
        // replaced, which only `step` does. Each access to a segment is made after the view's test for it.
        // SAFETY: the pc lies in segment 0.
        let mut at = unsafe { entries.add(state.guest.pc as usize) };
        let mut start = at;
        loop {
            // Ends with the number of words before the instruction that `step` has to execute.
            // SAFETY: see above.
            let words_before: usize = unsafe {
                'quick: loop {
                    let entry = *at;

                    macro_rules! get {
                        ($register:expr) => {
                            *state.guest.registers.get_unchecked(usize::from($register))
                        };
                    }
                    macro_rules! set {
                        ($register:expr, $value:expr) => {{
                            let value = $value;
                            *state.guest.registers.get_unchecked_mut(usize::from($register)) = value
                        }};
                    }
                    // Goes to `$target`; the instruction that jumps is the last of `$words`.
                    macro_rules! jump {
                        ($target:expr, $words:expr) => {{
                            let target: u32 = $target;
                            state.guest.executed += at.add($words).offset_from(start) as u64;
                            if OBSERVED && state.tally.is_on() {
                                let from = pc_of(entries, at.add($words - 1));
                                state.tally.jumped(state.guest.executed, from, target);
                            }
                            if state.poll().is_raised() || state.guest.executed >= until {
                                state.guest.pc = target;
                                return Ok(());
                            }
                            if HOT {
                                let count = &mut *heat.add(target as usize);
                                if *count >= threshold {
                                    state.guest.pc = target;
                                    let from = pc_of(entries, at.add($words - 1));
                                    return Err(Pause::at_threshold(&state.program.heat, target, from));
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
                            match view.load(get!(entry.$b), get!(entry.$c), at.add($before)) {
                                Some(value) => set!(entry.$a, value),
                                None => break 'quick $before,
                            }
                        }};
                        (Amend, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            if OBSERVED && state.probes.watches()
                                || !view.store(get!(entry.$a), get!(entry.$b), get!(entry.$c), at.add($before))
                            {
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
                            let id = match state.guest.memory.alloc_from_run(view.segments, words) {
                                Some(id) => id,
                                None => match state.guest.memory.alloc_if_named(words) {
                                    Some(id) => id,
                                    None => break 'quick $before,
                                },
                            };
                            if OBSERVED && state.tally.is_on() {
                                state.tally.allocated(pc_of(entries, at.add($before)), id, words);
                            }
                            set!(entry.$b, id)
                        }};
                        (Abandon, $a:ident $b:ident $c:ident $imm:ident, $before:literal) => {{
                            let id = get!(entry.$c);
                            if OBSERVED && state.probes.watches()
                                || !view.segments.abandon_small(id) && !state.guest.memory.abandon_if_named(id)
                            {
                                break 'quick $before;
                            }
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
                                set!(entry.$data, view.slot(entry.$imm))
                            } else {
                                match view.load(get!(entry.$segment), entry.$imm, at.add($before + 1)) {
                                    Some(value) => set!(entry.$data, value),
                                    None => break 'quick $before + 1,
                                }
                            }
                        }};
                        (store, $at:ident $segment:ident $data:ident $imm:ident, $before:literal) => {{
                            set!(entry.$at, entry.$imm);
                            if OBSERVED && state.probes.watches()
                                || !view.store(get!(entry.$segment), entry.$imm, get!(entry.$data), at.add($before + 1))
                            {
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
                                state.guest.pc = pc_of(entries, at);
                                if state.guest.pc >= view.program_len {
                                    break 'quick 0;
                                }
                                // What is executed straight from its words is not watched, and so may change unseen.
                                if !OBSERVED && !state.program.entries.visit(state.guest.pc) {
                                    first_visit = true;
                                    break 'quick 0;
                                }
                                if OBSERVED && state.tally.is_on() {
                                    let pc = state.guest.pc;
                                    let words = pc..pc + FUSED_MAX as u32;
                                    state.tally.look_at(state.guest.memory.program(), words, pc);
                                }
                                if !state.program.decode(state.guest.memory.program(), state.guest.pc) {
                                    break 'quick 0;
                                }
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
                state.guest.executed += at.offset_from(start) as u64;
            }
            state.guest.pc = pc_of(entries, at);
            loop {
                if first_visit && straight(state, view) == Straight::Visited {
                    break;
                }
                let before = state.guest.pc;
                step(state, console)?;
                let jumped = state.guest.pc != before.wrapping_add(1);
                // A jump too, for those who want control: a program may do nothing but load programs.
                if jumped && (state.poll().is_raised() || state.guest.executed >= until) {
                    return Ok(());
                }
                if state.replacements != replacements {
                    // How far the loop may go without looking at the count depends on the program's length.
                    return Ok(());
                }
                if state.guest.pc >= view.program_len {
                    continue 'outside;
                }
                // What follows, and what is jumped to, may be new, too.
                let pc = state.guest.pc;
                if first_visit
                    && (if jumped { !state.program.entries.visit(pc) } else { state.program.is_first_visit(pc) })
                {
                    continue;
                }
                if HOT && jumped && state.program.heat.warmth(state.guest.pc) >= threshold {
                    return Err(Pause::at_threshold(&state.program.heat, state.guest.pc, before));
                }
                break;
            }
            first_visit = false;
            if state.guest.pc >= view.program_len {
                continue 'outside;
            }
            // SAFETY: the pc lies in segment 0.
            at = unsafe { entries.add(state.guest.pc as usize) };
            start = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::console::Scripted;
    use crate::{Machine, MachineOptions, Stop};

    /// The beginnings of programs of all kinds, in one go and one by one; short, because Miri looks at them, too.
    #[test]
    fn the_loop_does_what_single_steps_do() {
        const INSTRUCTIONS: u64 = 4000;
        macro_rules! image {
            ($name:literal) => {
                include_bytes!(concat!("../../umbin/", $name, ".um")).as_slice()
            };
        }
        for image in
            [image!("hello"), image!("cat"), image!("concat"), image!("stress"), image!("symtab"), image!("umum")]
        {
            let program = crate::decode_image(image).expect("an image");
            let [mut whole, mut single] = [(); 2].map(|()| {
                let console = Box::new(Scripted::new(b"seven bytes"));
                Machine::new(&program, console, &MachineOptions::default()).expect("a machine")
            });
            let stop = whole.run(Some(INSTRUCTIONS));
            let stepped = (0..INSTRUCTIONS).map_while(|_| single.step().is_ok().then_some(())).count() as u64;
            assert_eq!(stepped < INSTRUCTIONS, matches!(stop, Stop::Halt), "{stop}");
            let outcome = |machine: &mut Machine| {
                machine.flush().expect("memory takes everything");
                let output = machine.console::<Scripted>().expect("a script").output.clone();
                (machine.registers(), machine.pc(), machine.executed(), output)
            };
            assert_eq!(outcome(&mut whole), outcome(&mut single));
        }
    }
}
