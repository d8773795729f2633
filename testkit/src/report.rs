//! What a divergence looks like on paper: the differences, both states side by side with marks, output and memory
//! where they part, the guest's code around both pcs, and whatever the contenders have to show (IR, host code).

use crate::matrix::{Difference, Run};
use crate::outcome::{Case, Memory};
use rum_interp::isa::Instruction;
use std::fmt::Write;

/// Words of code shown before and behind a pc.
const AROUND: u32 = 12;
/// Programs up to this many words are shown whole.
const WHOLE_WORDS: usize = 80;
/// Differing words of memory shown at most.
const MEMORY_ROWS_MAX: usize = 24;
/// Bytes of output shown before and behind the first difference.
const OUTPUT_AROUND: usize = 16;

/// One side of a divergence.
#[derive(Clone, Debug)]
pub struct Side {
    /// The contender's name.
    pub name: String,
    /// Its run, with detail if there is to be a comparison of memory; or the message of its panic.
    pub run: Result<Run, String>,
}

/// Everything that a report is made from.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// What the program was generated from, if it was.
    pub seed: Option<u64>,
    /// The case, shrunk or not.
    pub case: &'a Case,
    /// The reference.
    pub left: &'a Side,
    /// The contender that differs.
    pub right: &'a Side,
    /// In what.
    pub differences: &'a [Difference],
}

/// The report as text.
pub fn render(failure: &Failure<'_>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut text, failure);
    text
}

fn write_report(text: &mut String, failure: &Failure<'_>) -> std::fmt::Result {
    let Failure { case, left, right, .. } = failure;
    match failure.seed {
        Some(seed) => writeln!(text, "divergence: {} against {}, seed {seed}", left.name, right.name)?,
        None => writeln!(text, "divergence: {} against {}", left.name, right.name)?,
    }
    writeln!(
        text,
        "program of {} words, input of {} bytes, budget {}\n",
        case.program.len(),
        case.input.len(),
        case.budget
    )?;
    for difference in failure.differences {
        writeln!(text, "  differs in {difference}")?;
    }
    if let (Ok(l), Ok(r)) = (&left.run, &right.run) {
        write_states(text, [&left.name, &right.name], l, r)?;
        write_output(text, &l.outcome.output, &r.outcome.output)?;
        if let (Some(l), Some(r)) = (&l.memory, &r.memory) {
            write_memory(text, l, r)?;
        }
    }
    write_code(text, case, left, right)?;
    for side in [left, right] {
        for (title, listing) in side.run.iter().flat_map(|run| &run.listings) {
            writeln!(text, "\n--- {}: {title}\n{}", side.name, listing.trim_end())?;
        }
    }
    writeln!(text, "\n--- the case, for a regression test")?;
    let words = case.program.iter().map(|word| format!("{word:#010x}")).collect::<Vec<_>>();
    writeln!(text, "program: [")?;
    for row in words.chunks(8) {
        writeln!(text, "    {},", row.join(", "))?;
    }
    writeln!(text, "]\ninput: {:?}\nbudget: {}", case.input, case.budget)
}

fn write_states(text: &mut String, names: [&str; 2], left: &Run, right: &Run) -> std::fmt::Result {
    let (l, r) = (&left.outcome, &right.outcome);
    let mut rows = vec![
        ("stop".to_string(), l.stop.to_string(), r.stop.to_string()),
        ("pc".into(), l.pc.to_string(), r.pc.to_string()),
        ("executed".into(), l.executed.to_string(), r.executed.to_string()),
    ];
    for (number, (l, r)) in l.registers.iter().zip(r.registers).enumerate() {
        rows.push((format!("r{number}"), format!("{l:#010x} {l}"), format!("{r:#010x} {r}")));
    }
    rows.push(("output".into(), format!("{} bytes", l.output.len()), format!("{} bytes", r.output.len())));
    rows.push(("memory".into(), format!("{:016x}", l.memory_digest), format!("{:016x}", r.memory_digest)));
    let width = rows.iter().map(|(_, left, _)| left.len()).chain([names[0].len()]).max().unwrap_or(0);
    writeln!(text, "\n  {:<10} {:<width$}   {}", "", names[0], names[1])?;
    for (what, left, right) in rows {
        let mark = if left == right { ' ' } else { '*' };
        writeln!(text, "{mark} {what:<10} {left:<width$}   {right}")?;
    }
    Ok(())
}

fn write_output(text: &mut String, left: &[u8], right: &[u8]) -> std::fmt::Result {
    if left == right {
        return Ok(());
    }
    let same = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let part = |output: &[u8]| {
        let from = same.saturating_sub(OUTPUT_AROUND).min(output.len());
        let to = (same + OUTPUT_AROUND).min(output.len());
        format!("{:02x?}", &output[from..to])
    };
    writeln!(text, "\noutput parts at byte {same}:\n  {}\n  {}", part(left), part(right))
}

fn write_memory(text: &mut String, left: &Memory, right: &Memory) -> std::fmt::Result {
    if left == right {
        return Ok(());
    }
    writeln!(text, "\nmemory:")?;
    let mut rows = Vec::new();
    for (id, words) in left {
        match right.get(id) {
            None => rows.push(format!("segment {id} of {} words: only left", words.len())),
            Some(others) if others.len() != words.len() => {
                rows.push(format!("segment {id}: {} words left, {} right", words.len(), others.len()));
            }
            Some(others) => {
                let differing = words.iter().zip(others).enumerate().filter(|(_, (l, r))| l != r);
                rows.extend(differing.map(|(at, (l, r))| format!("segment {id}, word {at}: {l:#010x} {r:#010x}")));
            }
        }
    }
    let only_right = right.iter().filter(|(id, _)| !left.contains_key(id));
    rows.extend(only_right.map(|(id, words)| format!("segment {id} of {} words: only right", words.len())));
    for row in rows.iter().take(MEMORY_ROWS_MAX) {
        writeln!(text, "  {row}")?;
    }
    if rows.len() > MEMORY_ROWS_MAX {
        writeln!(text, "  and {} more", rows.len() - MEMORY_ROWS_MAX)?;
    }
    Ok(())
}

/// The program, whole or around both pcs, as it was at the start; what became of a word stands beside it.
fn write_code(text: &mut String, case: &Case, left: &Side, right: &Side) -> std::fmt::Result {
    let pc = |side: &Side| side.run.as_ref().ok().map(|run| run.outcome.pc);
    let (left_pc, right_pc) = (pc(left), pc(right));
    let finally = |side: &Side| {
        let memory = side.run.as_ref().ok().and_then(|run| run.memory.as_ref());
        memory.and_then(|memory| memory.get(&0)).cloned()
    };
    let (left_final, right_final) = (finally(left), finally(right));
    let length = [Some(&case.program), left_final.as_ref(), right_final.as_ref()];
    let length = length.into_iter().flatten().map(Vec::len).max().unwrap_or(0);
    let near = |at: u32| [left_pc, right_pc].into_iter().flatten().any(|pc| at.abs_diff(pc) <= AROUND);
    writeln!(text, "\ncode (< and > mark the pcs of {} and {}):", left.name, right.name)?;
    let mut skipped = false;
    for at in 0..length as u32 {
        if length > WHOLE_WORDS && !near(at) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            writeln!(text, "     ...")?;
        }
        let first = case.program.get(at as usize).copied();
        let marks = [if left_pc == Some(at) { '<' } else { ' ' }, if right_pc == Some(at) { '>' } else { ' ' }];
        let show = |word: Option<u32>| word.map_or("-".into(), |word| Instruction::decode(word).to_string());
        write!(text, "{}{} {at:>5}  {:08x}  {:<36}", marks[0], marks[1], first.unwrap_or(0), show(first))?;
        for (name, last) in [(&left.name, &left_final), (&right.name, &right_final)] {
            if let Some(last) = last.as_ref().map(|words| words.get(at as usize).copied()).filter(|&now| now != first) {
                write!(text, "  {name}: {}", show(last))?;
            }
        }
        writeln!(text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{Builder, R1, R2, R6};
    use crate::matrix::{Contender, OracleContender, Verdict, compare};

    #[test]
    fn a_report_shows_what_differs_and_where() {
        let mut builder = Builder::new();
        builder.literal(R1, 65);
        builder.output(R1);
        builder.literal(R2, 0);
        builder.amend(R6, R2, R1);
        builder.halt();
        let case = Case { program: builder.build(), input: vec![1, 2], budget: 100 };
        let mut run = OracleContender::with_own_ids().run(&case, true);
        let left = Side { name: "oracle".into(), run: Ok(run.clone()) };
        run.outcome.registers[1] = 66;
        run.outcome.output = vec![66];
        run.outcome.pc = 3;
        run.memory.as_mut().and_then(|memory| memory.get_mut(&0)).expect("segment 0")[2] = 7;
        run.listings.push(("CLIF".into(), "function u0:0".into()));
        let right = Side { name: "jit".into(), run: Ok(run) };
        let (Ok(l), Ok(r)) = (&left.run, &right.run) else { panic!("both ran") };
        let Verdict::Different(differences) = compare(&l.outcome, &r.outcome) else { panic!("they differ") };
        let report =
            render(&Failure { seed: Some(17), case: &case, left: &left, right: &right, differences: &differences });
        for part in [
            "oracle against jit, seed 17",
            "differs in r1: 0x41 against 0x42",
            "* r1         0x00000041 65",
            "  r2         0x00000000 0",
            "output parts at byte 0",
            "segment 0, word 2: 0xd4000000 0x00000007",
            " >     3  20000191  m[r6][r2] := r1",
            "--- jit: CLIF\nfunction u0:0",
            "budget: 100",
        ] {
            assert!(report.contains(part), "{part:?} is missing in\n{report}");
        }
    }
}
