//! Counting everything: instructions, calls, allocations. The machine does that (`rum::tally`), compiled code included.

use crate::config::RunConfig;
use crate::end::End;
use crate::run::end_of;
use crate::signals::Control;
use rum::Vm;

/// Runs a program to its end, on a machine that counts.
pub fn run(vm: &mut Vm, config: &RunConfig, control: &Control) -> End {
    loop {
        let done = vm.machine().executed().unwrap_or_default();
        let stop = vm.run(config.instructions_max.map(|max| max.saturating_sub(done)));
        if let Some(end) = end_of(stop, control) {
            return end;
        }
    }
}
