//! The thread that compiles while the program goes on.

use crate::compile::{CompileError, Compiled, Compiler};
use crate::region::Region;
use crate::settings::Settings;
use crate::shortage::this_thread_compiles;
use crate::tuning::BATCH_US;
use cranelift_codegen::isa::OwnedTargetIsa;
use rum_interp::PollHandle;
use rum_interp::engine::POLL_ENGINE;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

/// A request to the thread.
pub(crate) struct Job {
    pub unit: u32,
    pub region: Region,
    pub settings: Settings,
}

/// What became of it.
pub(crate) struct Done {
    pub unit: u32,
    pub result: Result<Compiled, CompileError>,
}

/// The thread, as its owner sees it.
pub(crate) struct Worker {
    jobs: Sender<Job>,
    done: Receiver<Done>,
}

impl Worker {
    /// Starts the thread. It raises [`POLL_ENGINE`] when something is done: at once if nothing else waits, else with what
    /// is done soon after.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub fn start(isa: OwnedTargetIsa, handle: PollHandle) -> std::io::Result<Worker> {
        let (jobs, todo) = channel::<Job>();
        let (finished, done) = channel();
        // Nothing waits for the thread: it ends when its sender is gone, after the job at hand.
        let thread = std::thread::Builder::new().name("rum-compile".to_owned()).stack_size(16 << 20);
        thread.spawn(move || work(isa, &todo, &finished, &handle))?;
        Ok(Worker { jobs, done })
    }

    /// Hands a job over. False if the thread is gone.
    pub fn submit(&self, job: Job) -> bool {
        self.jobs.send(job).is_ok()
    }

    /// What was done since the last call, and whether the thread is still there.
    pub fn finished(&self) -> (Vec<Done>, bool) {
        let mut finished = Vec::new();
        loop {
            match self.done.try_recv() {
                Ok(done) => finished.push(done),
                Err(TryRecvError::Empty) => return (finished, true),
                Err(TryRecvError::Disconnected) => return (finished, false),
            }
        }
    }
}

/// Says at its end that there is something to be looked at, even if that is only that the thread is gone.
struct Farewell<'a>(&'a PollHandle);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.0.raise(POLL_ENGINE);
    }
}

fn work(isa: OwnedTargetIsa, todo: &Receiver<Job>, finished: &Sender<Done>, handle: &PollHandle) {
    let _farewell = Farewell(handle);
    this_thread_compiles();
    let mut compiler = Compiler::new(isa);
    let mut unannounced: Option<Instant> = None;
    loop {
        let job = todo.try_recv().or_else(|_| {
            if unannounced.take().is_some() {
                handle.raise(POLL_ENGINE);
            }
            todo.recv()
        });
        let Ok(Job { unit, region, settings }) = job else { return };
        let result = compiler.compile(&region, unit, &settings);
        if finished.send(Done { unit, result }).is_err() {
            return;
        }
        if unannounced.get_or_insert_with(Instant::now).elapsed() >= Duration::from_micros(BATCH_US) {
            unannounced = None;
            handle.raise(POLL_ENGINE);
        }
    }
}
