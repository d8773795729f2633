//! Where code is made and kept: the compiler, its thread with the queue before it, and the space for code.
//!
//! Everything here is made when the first region is to be compiled: short programs never need it.

use crate::code::{CodeSpace, host_isa};
use crate::compile::{CompileError, Compiled, Compiler};
use crate::emit::unit_signature;
use crate::queue::{Pending, Queue};
use crate::settings::Settings;
use crate::stubs::{HostCalls, Stubs};
use crate::tuning::{CODE_RESERVE_BYTES, CODE_RESERVE_FACTOR};
use crate::units::{Code, EntryPoint};
use crate::worker::{Done, Job, Worker};
use cranelift_codegen::isa::OwnedTargetIsa;
use rum_interp::engine::State;
use std::io;

/// A region that came back from the compiler.
pub(crate) struct Finished {
    pub unit: u32,
    pub pending: Pending,
    pub result: Result<Compiled, CompileError>,
}

/// Compiler, thread, queue and space for code.
pub(crate) struct Factory {
    code: CodeSpace,
    backend: Option<Backend>,
    pub queue: Queue,
    threads: usize,
    budget_bytes: usize,
}

/// What makes code, and the way into it.
struct Backend {
    isa: OwnedTargetIsa,
    stubs: Stubs,
    compiler: Compiler,
    worker: Option<Worker>,
}

impl Factory {
    /// A factory for at most `budget_bytes` bytes of code, on a thread of its own unless `threads` is 0.
    ///
    /// # Errors
    /// The host's architecture is not supported, or executable memory is refused.
    pub fn new(threads: usize, budget_bytes: usize) -> Result<Factory, String> {
        // Whether the architecture is supported is said at once.
        host_isa()?;
        let mut reserve =
            budget_bytes.saturating_mul(CODE_RESERVE_FACTOR).clamp(CODE_RESERVE_BYTES.0, CODE_RESERVE_BYTES.1);
        let code = loop {
            match CodeSpace::new(reserve) {
                Ok(code) => break code,
                // Where there are few addresses, there is less code.
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory && reserve > CODE_RESERVE_BYTES.0 => {
                    reserve /= 2
                }
                Err(error) => return Err(error.to_string()),
            }
        };
        let budget_bytes = budget_bytes.min(reserve / CODE_RESERVE_FACTOR);
        Ok(Factory { code, backend: None, queue: Queue::default(), threads, budget_bytes })
    }

    /// Starts the first generation of code, unless that was done.
    ///
    /// # Errors
    /// The system refuses executable memory or a thread.
    pub fn start(&mut self, state: &mut State) -> Result<(), CompileError> {
        if self.backend.is_some() {
            return Ok(());
        }
        let isa = host_isa().map_err(CompileError::System)?;
        let stubs = self.first_code(&isa, state)?;
        let worker = match self.threads {
            0 => None,
            _ => {
                let started = Worker::start(isa.clone(), state.poll().clone());
                Some(started.map_err(|error| CompileError::System(format!("no thread for the compiler: {error}")))?)
            }
        };
        self.backend = Some(Backend { compiler: Compiler::new(isa.clone()), isa, stubs, worker });
        Ok(())
    }

    fn first_code(&mut self, isa: &OwnedTargetIsa, state: &mut State) -> Result<Stubs, CompileError> {
        let published = self.code.restart().and_then(|()| Stubs::publish(&mut self.code, &**isa, state));
        published.map_err(CompileError::System)
    }

    /// Offset of the way from units into blocks, once there is code.
    pub fn way_to_blocks(&self) -> Option<u32> {
        self.backend.as_ref().map(|backend| backend.stubs.way_to_blocks)
    }

    /// Whether the budget for code is used up.
    pub fn is_full(&self) -> bool {
        self.code.used_bytes() > self.budget_bytes
    }

    /// Frees all code and starts a new generation. No unit is live.
    ///
    /// # Errors
    /// The system refuses executable memory.
    pub fn restart(&mut self, state: &mut State) -> Result<(), CompileError> {
        let Some(isa) = self.backend.as_ref().map(|backend| backend.isa.clone()) else { return Ok(()) };
        let stubs = self.first_code(&isa, state)?;
        if let Some(backend) = &mut self.backend {
            backend.stubs = stubs;
        }
        Ok(())
    }

    /// Has a region compiled, to become unit `unit`: by the thread, or else at once, and gives what came of it. [`Factory::start`]
    /// was called before.
    pub fn submit(&mut self, unit: u32, pending: Pending, settings: &Settings) -> Option<Finished> {
        let backend = self.backend.as_mut().expect("the factory was started");
        if let Some(worker) = &backend.worker {
            let (region, settings) = (pending.region.clone(), settings.clone());
            if worker.submit(Job { unit, region, settings }) {
                self.queue.insert(unit, pending);
                return None;
            }
        }
        // Without a thread, or when it is gone: what it had is given back when its end is noticed.
        let result = backend.compiler.compile(&pending.region, unit, settings);
        Some(Finished { unit, pending, result })
    }

    /// What came back since the last call, but for what was dropped meanwhile; and everything that the thread had if it is gone. From
    /// then on regions are compiled at once.
    pub fn finished(&mut self) -> (Vec<Finished>, Option<Vec<Pending>>) {
        let Some(backend) = &mut self.backend else { return Default::default() };
        let Some(worker) = &backend.worker else { return Default::default() };
        let (done, is_alive) = worker.finished();
        let take = |Done { unit, result }| self.queue.remove(unit).map(|pending| Finished { unit, pending, result });
        let finished = done.into_iter().filter_map(take).collect();
        if is_alive {
            return (finished, None);
        }
        backend.worker = None;
        (finished, Some(self.queue.take(|_| true)))
    }

    /// Adds functions of units, each with its alignment, all at once: each publication interrupts every processor. Gives their offsets.
    ///
    /// # Errors
    /// There is no room, or the system refuses executable memory.
    pub fn publish(&mut self, made: &[(&[u8], u64)]) -> Result<Vec<u32>, CompileError> {
        let signature = unit_signature();
        let functions: Vec<_> = made.iter().map(|&(bytes, align)| (&signature, bytes, align)).collect();
        self.code.publish(&functions).map_err(CompileError::System)
    }

    /// The bytes of code that was published.
    pub fn code(&self, code: Code) -> &[u8] {
        self.code.bytes(code.offset as usize, code.bytes)
    }

    /// Address of code that was published.
    pub fn address(&self, code: Code) -> usize {
        self.code.base() as usize + code.offset as usize
    }

    /// Runs compiled code. Gives the number with which it was left.
    ///
    /// # Safety
    /// `base` is the address of granule 0 of the machine that `calls` lends, which nothing else uses meanwhile; `entry` belongs to a
    /// live unit made for this machine, and everything that the unit depends on is as it was when it was made.
    pub unsafe fn enter(&self, base: *mut u8, entry: EntryPoint, _calls: &mut HostCalls) -> u64 {
        let backend = self.backend.as_ref().expect("an entry leads to code, which the factory made");
        let code = self.code.base().wrapping_add(entry.code_offset() as usize);
        // SAFETY: the caller's promise.
        unsafe { (backend.stubs.trampoline)(base, code, entry.selector()) }
    }
}
