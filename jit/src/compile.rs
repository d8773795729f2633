//! The pipeline: region -> facts -> CLIF -> host code, in one function; and the thread that runs it.

use crate::options::Optimisation;
use crate::region::Region;
use crate::translate::{Plan, Settings, translate};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use rum_interp::PollHandle;
use rum_interp::state::poll;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A compiled region, not yet published.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub plan: Plan,
    pub bytes: Vec<u8>,
    pub align: u64,
    pub clif_instructions: u64,
    pub time: Duration,
    /// If it was asked for.
    pub listing: Option<Listing>,
}

/// What a region became, as text.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The unit's number.
    pub unit: u32,
    /// Offset of the word that was hot.
    pub root: u32,
    /// Cranelift's intermediate language.
    pub clif: String,
    /// Instructions of the host.
    pub code: String,
}

/// Compiles regions; reuses its buffers.
pub(crate) struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
}

impl Compiler {
    pub fn new(isa: OwnedTargetIsa) -> Compiler {
        Compiler { isa, context: Context::new(), builder: FunctionBuilderContext::new() }
    }

    /// Compiles a region as unit `unit`.
    ///
    /// # Errors
    /// Cranelift gives up (a function too large, say); the text says why.
    pub fn compile(&mut self, region: &Region, unit: u32, settings: &Settings) -> Result<Compiled, String> {
        let start = Instant::now();
        self.context.clear();
        let plan = translate(region, unit, settings, &mut self.context.func, &mut self.builder, &*self.isa);
        let clif = settings.listings.then(|| self.context.func.display().to_string());
        self.context.set_disasm(settings.listings);
        let clif_instructions = self.context.func.dfg.num_insts() as u64;
        let compiled = self
            .context
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| format!("{:?}", error.inner))?;
        if !compiled.buffer.relocs().is_empty() {
            return Err("the code has relocations".to_owned());
        }
        let align = u64::from(compiled.buffer.alignment).max(16);
        let bytes = compiled.code_buffer().to_vec();
        let code = compiled.vcode.as_deref().unwrap_or_default();
        let listing = clif.map(|clif| Listing { unit, root: region.root, clif, code: code.to_owned() });
        Ok(Compiled { plan, bytes, align, clif_instructions, time: start.elapsed(), listing })
    }
}

/// How long something that is done may wait for more, because each publication interrupts every processor.
const BATCH_TIME: Duration = Duration::from_micros(500);

/// A request to the thread.
pub(crate) struct Job {
    pub unit: u32,
    pub region: Region,
    pub settings: Settings,
}

/// What became of it.
pub(crate) struct Done {
    pub unit: u32,
    pub result: Result<Compiled, String>,
}

/// A thread that compiles while the program goes on.
pub(crate) struct Worker {
    jobs: Sender<Job>,
    done: Receiver<Done>,
}

impl Worker {
    /// Starts the thread. It raises `poll::PUBLISH` when something is done: at once if nothing else waits, else with what
    /// is done soon after.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub fn start(isa: OwnedTargetIsa, handle: PollHandle) -> std::io::Result<Worker> {
        let (jobs, todo) = channel::<Job>();
        let (finished, done) = channel();
        // Nobody waits for the thread: it ends when its sender is gone, after the job at hand.
        std::thread::Builder::new().name("rum-compile".to_owned()).stack_size(16 << 20).spawn(move || {
            let mut compiler = Compiler::new(isa);
            let mut unannounced: Option<Instant> = None;
            loop {
                let job = todo.try_recv().or_else(|_| {
                    if unannounced.take().is_some() {
                        handle.raise(poll::PUBLISH);
                    }
                    todo.recv()
                });
                let Ok(Job { unit, region, settings }) = job else { return };
                let result = compiler.compile(&region, unit, &settings);
                if finished.send(Done { unit, result }).is_err() {
                    return;
                }
                if unannounced.get_or_insert_with(Instant::now).elapsed() >= BATCH_TIME {
                    unannounced = None;
                    handle.raise(poll::PUBLISH);
                }
            }
        })?;
        Ok(Worker { jobs, done })
    }

    /// Hands a job over. False if the thread is gone.
    pub fn submit(&self, job: Job) -> bool {
        self.jobs.send(job).is_ok()
    }

    /// What was done since the last call.
    pub fn finished(&self) -> impl Iterator<Item = Done> + '_ {
        self.done.try_iter()
    }
}

/// Adds up what optimisations gained.
pub(crate) fn add_gains(total: &mut [u64; Optimisation::ALL.len()], more: &[u64; Optimisation::ALL.len()]) {
    total.iter_mut().zip(more).for_each(|(total, more)| *total += more);
}
