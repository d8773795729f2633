//! A dump of compiled code with its names, which `perf inject --jit` puts into a recording, so that `perf annotate` shows it.
//!
//! The format is that of `tools/perf/Documentation/jitdump-specification.txt` of the kernel's sources.

use crate::failure::{Failure, reason, say};
use wasmtime_internal_jit_debug::perf_jitdump::JitDumpFile;

/// What processors are called in ELF files.
pub const MACHINE: u16 = if cfg!(target_arch = "x86_64") { object::elf::EM_X86_64 } else { object::elf::EM_AARCH64 };

/// The file `jit-PID.dump` in the current folder.
pub struct Dump {
    file: JitDumpFile,
    /// It cannot be written any more, which was said.
    broken: bool,
}

impl Dump {
    /// Begins the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create() -> Result<Dump, Failure> {
        let name = format!("jit-{}.dump", std::process::id());
        let file = JitDumpFile::new(&name, u32::from(MACHINE));
        file.map(|file| Dump { file, broken: false })
            .map_err(|error| Failure::host(format!("cannot write {name}: {}", reason(&error))))
    }

    /// Adds a piece of code, which stands where it is executed.
    pub fn add(&mut self, name: &str, code: &[u8]) {
        if self.broken {
            return;
        }
        let (time, process) = (self.file.get_time_stamp(), std::process::id());
        if let Err(error) = self.file.dump_code_load_record(name, code, time, process, process) {
            say(format_args!("the dump of compiled code is not complete: {}", reason(&error)));
            self.broken = true;
        }
    }
}
