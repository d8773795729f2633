//! Looking at a program now and then.

use super::model::Seen;
use crate::config::RunConfig;
use crate::end::End;
use crate::failure::{Failure, reason};
use crate::run::end_of;
use crate::signals::Control;
use rum::tally::Site;
use rum::{Stop, Vm};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Time between two looks: no multiple of what programs and systems do in milliseconds.
pub const PERIOD: Duration = Duration::from_micros(997);

/// Runs a program to its end, and counts where it was met. Between two looks it runs as ever.
///
/// # Errors
/// There is no thread to keep time.
pub fn run(vm: &mut Vm, config: &RunConfig, control: &Control) -> Result<(End, Seen), Failure> {
    let mut sites: HashMap<Site, u64> = HashMap::new();
    let due = Arc::new(AtomicBool::new(false));
    let (over, ended) = mpsc::channel::<()>();
    let (handle, flag) = (vm.machine().poll_handle(), Arc::clone(&due));
    let clock = thread::Builder::new().name("profile".to_owned()).spawn(move || {
        while ended.recv_timeout(PERIOD) == Err(mpsc::RecvTimeoutError::Timeout) {
            flag.store(true, Ordering::Release);
            handle.interrupt();
        }
    });
    let clock = clock.map_err(|error| Failure::host(format!("cannot start a thread: {}", reason(&error))))?;
    let end = loop {
        let left = config.instructions_max.map(|max| max.saturating_sub(vm.machine().executed().unwrap_or_default()));
        let stop = vm.run(left);
        let looks = matches!(stop, Stop::Interrupted) && due.swap(false, Ordering::AcqRel);
        if looks {
            let site = Site { program: vm.machine().programs_loaded(), pc: vm.machine().pc() };
            *sites.entry(site).or_default() += 1;
        }
        if let Some(end) = end_of(stop, control) {
            break end;
        }
    };
    drop(over);
    // It waits for nothing but the channel.
    let _ = clock.join();
    Ok((end, Seen::Sampled { period: PERIOD, program: vm.machine().programs_loaded(), sites }))
}
