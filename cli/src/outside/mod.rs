//! What tools that look at the process from outside are told of compiled code: perf, by a map at the end or by a dump with the code, and
//! debuggers.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod gdb;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod jitdump;
mod names;
mod perf_map;

use crate::cli::run::OutsideArgs;
use crate::cli::values::LogLevel;
use crate::failure::Failure;
use crate::symbols::{Places, Source};
use rum::{Vm, Word};
use std::sync::Arc;
use tracing_subscriber::filter::LevelFilter;

/// Who is to be told of compiled code.
#[derive(Clone, Copy, Debug)]
pub struct Outside {
    args: OutsideArgs,
}

impl Outside {
    /// As it was asked for.
    ///
    /// # Errors
    /// There is no such tool here.
    pub fn of(args: &OutsideArgs) -> Result<Outside, Failure> {
        if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))
            && (args.jitdump || args.gdb)
        {
            return Err(Failure::host("--jitdump and --gdb are for Linux"));
        }
        if let Some(level) = args.log {
            log(level);
        }
        Ok(Outside { args: *args })
    }

    /// Has tools told of code as it is made.
    ///
    /// # Errors
    /// The dump cannot be written.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub fn watch(self, vm: &mut Vm, symbols: &Arc<Source>) -> Result<(), Failure> {
        if !self.args.jitdump && !self.args.gdb {
            return Ok(());
        }
        let mut dump = if self.args.jitdump { Some(jitdump::Dump::create()?) } else { None };
        let mut images = self.args.gdb.then(gdb::Images::default);
        let symbols = Arc::clone(symbols);
        let mut places: Option<(usize, Places)> = None;
        vm.observe_code(Box::new(move |code| {
            if places.as_ref().is_none_or(|(words, _)| *words != code.program_words) {
                places = Some((code.program_words, Places::new(&symbols, code.program_words)));
            }
            let (_, places) = places.as_ref().expect("it was made just now");
            let name = names::name(code.place.pc, code.place.tier, places);
            if let Some(dump) = &mut dump {
                dump.add(&name, code.bytes);
            }
            if let Some(images) = &mut images {
                images.add(&name, &code.place);
            }
        }));
        Ok(())
    }

    /// There are no such tools here.
    ///
    /// # Errors
    /// None.
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    pub fn watch(self, _: &mut Vm, _: &Arc<Source>) -> Result<(), Failure> {
        Ok(())
    }

    /// The program has ended.
    ///
    /// # Errors
    /// The map cannot be written.
    pub fn ended(self, vm: &Vm, symbols: &Source) -> Result<(), Failure> {
        if !self.args.perf_map {
            return Ok(());
        }
        let words = vm.machine().segment(0).map_or(0, <[Word]>::len);
        perf_map::write(&vm.code_places(), &Places::new(symbols, words))
    }
}

/// From now on events are written to standard error.
fn log(level: LogLevel) {
    let level = match level {
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let written = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).without_time();
    // Somebody else may have asked before; then that stays.
    let _ = written.with_writer(std::io::stderr).try_init();
}
