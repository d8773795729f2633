//! What a run needs, from what was written on the command line: files opened, choices made.

use crate::apart::Apart;
use crate::cli::engine::{EngineArg, EngineArgs};
use crate::cli::run::RunArgs;
use crate::cli::values::StatsFormat;
use crate::failure::{Failure, reason};
use crate::files::{name_of, open_at_once};
use crate::human;
use crate::outside::Outside;
use crate::session::{Session, save};
use crate::signals::{Control, PATIENCE};
use crate::stdio::Source;
use crate::symbols;
use crate::trace::Trace;
use rum::{MachineOptions, Options, Snapshot};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A run, decided.
#[derive(Debug)]
pub struct RunConfig {
    /// What is run, as messages and reports name it.
    pub name: String,
    /// Where its words come from.
    pub symbols: Arc<symbols::Source>,
    /// The engine that was asked for.
    pub engine: EngineArg,
    /// How the machine is made.
    pub machine: MachineOptions,
    /// How it is executed.
    pub options: Options,
    /// The limit on instructions.
    pub instructions_max: Option<u64>,
    /// The limit on time.
    pub timeout: Option<Duration>,
    /// How long a reader may take nothing once the run is over.
    pub patience: Duration,
    /// The folder where compiled code is kept, if it is.
    pub cache: Option<PathBuf>,
    /// How statistics are written, and where, if at all.
    pub stats: Option<Stats>,
    /// Whether the interpreter runs beside compiled code.
    pub verify: bool,
    /// What is told of each instruction.
    pub trace: Trace,
    /// How the program is played with.
    pub session: Session,
    /// Who is told about compiled code.
    pub outside: Outside,
    /// Whether the process gives up its rights before the program runs.
    pub sandbox: bool,
}

/// What becomes of statistics.
#[derive(Debug)]
pub struct Stats {
    /// How they are written.
    pub format: StatsFormat,
    /// The file that they go to, with its name; standard error if there is none.
    pub file: Option<(File, String)>,
    /// What the system tells of the process at any time, opened now: in a sandbox no file is opened later.
    process: Option<File>,
}

impl Stats {
    /// What was asked for.
    fn of(args: &RunArgs, apart: &Apart<'_>) -> Result<Option<Stats>, Failure> {
        let process = || File::open("/proc/self/status").ok();
        let Some(path) = &args.stats_file else {
            return Ok(args.stats.map(|format| Stats { format, file: None, process: process() }));
        };
        let file = apart.create(path)?;
        let format = args.stats.unwrap_or(StatsFormat::Json);
        Ok(Some(Stats { format, file: Some(file), process: process() }))
    }

    /// The most memory that the process had resident, where the system tells. To be asked for once. (The peak that `getrusage` reports
    /// includes what the process was before it became rum.)
    pub fn peak_rss_bytes(&self) -> Option<u64> {
        let mut bytes = [0; 1 << 12];
        let count = self.process.as_ref()?.read(&mut bytes).ok()?;
        let status = String::from_utf8_lossy(&bytes[..count]);
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    }
}

/// Where an image comes from.
#[derive(Debug)]
pub enum Image {
    /// Standard input.
    Stdin,
    /// A file, opened.
    File(File),
    /// A snapshot, as a whole.
    Snapshot(Vec<u8>),
}

impl RunConfig {
    /// Decides everything, and opens the image.
    ///
    /// # Errors
    /// The image cannot be opened, or is plainly none.
    pub fn new(args: RunArgs) -> Result<(RunConfig, Image), Failure> {
        let image = Image::open(&args.image)?;
        let path = args.image.clone();
        RunConfig::decide(args, image, &path, Vec::new())
    }

    /// Decides everything for a run that goes on from the snapshot that `args` name.
    ///
    /// # Errors
    /// The snapshot cannot be used.
    pub fn resume(args: RunArgs) -> Result<(RunConfig, Image), Failure> {
        let bytes = save::read(&args.image)?;
        let snapshot =
            Snapshot::open(&bytes[..]).map_err(|error| save::unusable(&args.image.display().to_string(), &error))?;
        let (saved_max, note) = (snapshot.about().memory_bytes_max(), save::Note::of(&snapshot.about().note));
        // Identifiers follow from it, so it cannot be made lower.
        if let Some(max) = args.limits.max_memory.filter(|&max| max < saved_max) {
            let [max, saved_max] = [max, saved_max].map(human::bytes);
            return Err(Failure::host(format!(
                "{} may use {saved_max} of memory, more than --max-memory {max}: that was settled when it was started",
                args.image.display()
            )));
        }
        args.engine.settle_ids(snapshot.about().ids(), &args.image)?;
        let path = PathBuf::from(note.image);
        RunConfig::decide(args, Image::Snapshot(bytes), &path, note.unread)
    }

    /// Decides everything, for a program that came from `path` and finds input that was left.
    fn decide(mut args: RunArgs, image: Image, path: &Path, unread: Vec<u8>) -> Result<(RunConfig, Image), Failure> {
        // Editing would read and write a history, and ask terminals for all sorts of things.
        args.session.no_edit |= args.sandbox;
        let mut machine = MachineOptions { ids: args.engine.ids(), ..MachineOptions::default() };
        if let Some(bytes) = args.limits.max_memory {
            machine.memory_bytes_max = bytes;
        }
        machine.output_bytes_max = args.limits.max_output;
        let traces = args.trace.trace.is_some() || args.trace.trace_file.is_some();
        if args.verify && args.engine.engine == EngineArg::Interp {
            return Err(Failure::host(
                "nothing is compiled that could be verified: leave out --verify, or --engine interp",
            ));
        }
        let counts = traces || args.verify || args.stats.is_some() || args.stats_file.is_some();
        let engine = &args.engine;
        let cache = crate::cache::wanted(&engine.cache)?;
        if args.sandbox && cache.is_some() {
            return Err(Failure::host(
                "--sandbox goes without a cache, which RUM_CACHE asks for: RUM_CACHE=0 switches it off",
            ));
        }
        let image_is = if matches!(image, Image::Snapshot(_)) { "the snapshot" } else { "the program" };
        let image_path = if is_stdin(&args.image) { Path::new("-") } else { &args.image };
        let script = args.session.input_script.as_deref().map(|path| (path, "the input"));
        let apart = Apart::from(std::iter::once((image_path, image_is)).chain(script));
        if let (Some(path), Image::File(_)) = (&args.session.save, &image) {
            apart.check(path)?;
        }
        let session = Session::of(&args.session, path, unread, &apart)?;
        let options = Options {
            count: counts || args.limits.max_instructions.is_some() || session.counts(),
            cache: cache.is_some(),
            ..engine_options(engine)
        };
        let symbols = match (&args.symbols, &image) {
            (Some(path), _) => symbols::Source::given(path)?,
            (None, Image::File(_) | Image::Snapshot(_)) => symbols::Source::Beside(symbols::path_beside(path)),
            (None, Image::Stdin) => symbols::Source::Nowhere,
        };
        let mut trace = Trace::of(&args.trace, |path| apart.create(path))?;
        if args.verify {
            trace.keep_input();
        }
        let symbols = if args.sandbox { symbols.read_now() } else { symbols };
        let config = RunConfig {
            name: if is_stdin(&args.image) { "standard input".to_owned() } else { name_of(&args.image) },
            symbols: Arc::new(symbols),
            engine: engine.engine,
            machine,
            options,
            instructions_max: args.limits.max_instructions,
            timeout: args.limits.timeout,
            patience: args.limits.patience.unwrap_or(PATIENCE),
            cache,
            stats: Stats::of(&args, &apart)?,
            verify: args.verify,
            trace,
            session,
            outside: Outside::of(&args.outside)?,
            sandbox: args.sandbox,
        };
        Ok((config, image))
    }
}

/// The engine that was asked for.
pub fn engine_options(engine: &EngineArgs) -> Options {
    #[allow(clippy::needless_update)] // Engines may have more to choose than users are asked.
    Options {
        engine: engine.engine.into(),
        baseline_threshold: engine.baseline_threshold,
        hot_threshold: engine.hot_threshold,
        compile_threads: engine.compile_threads,
        code_budget_bytes: usize::try_from(engine.code_budget).unwrap_or(usize::MAX),
        disabled: engine.disabled.0.clone(),
        force_exit_every: engine.force_exit_every,
        exits_lie_after: engine.lie_after,
        ..Options::default()
    }
}

/// Whether a name means standard input. Opening `/dev/stdin` would start a redirected file anew for the program.
fn is_stdin(path: &Path) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

impl Image {
    /// Opens an image.
    ///
    /// # Errors
    /// There is no such file, or it is plainly no image.
    pub fn open(path: &Path) -> Result<Image, Failure> {
        if is_stdin(path) {
            if io::stdin().is_terminal() {
                return Err(Failure::host(
                    "the image was to come from standard input, but that is a terminal: name a file, or use a pipe",
                ));
            }
            return Ok(Image::Stdin);
        }
        let cannot = |error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::NotFound if path.components().count() == 1 && path.extension().is_none() => {
                    " (and it is no command either; see rum --help)"
                }
                _ => "",
            };
            Failure::host(format!("cannot open image {}: {}{hint}", name_of(path), reason(&error)))
        };
        // A wait for bytes ends when the run does.
        let file = open_at_once(path).map_err(cannot)?;
        if file.metadata().map_err(cannot)?.is_dir() {
            return Err(Failure::host(format!("{} is a directory: name a program image", name_of(path))));
        }
        Ok(Image::File(file))
    }

    /// The bytes of the image, to be read once. A read that `control` ends fails.
    pub fn reader(self, control: &Arc<Control>) -> Box<dyn Read> {
        match self {
            Image::Snapshot(bytes) => Box::new(io::Cursor::new(bytes)),
            Image::Stdin => Box::new(Endable(Source::new(control))),
            #[cfg(unix)]
            Image::File(file) => Box::new(Endable(Source::of_file(control, file))),
            #[cfg(not(unix))]
            Image::File(file) => Box::new(file),
        }
    }
}

/// A source whose end by a [`Control`] is no invitation to try again, as `ErrorKind::Interrupted` is.
struct Endable<R>(R);

impl<R: Read> Read for Endable<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => io::Error::other("the run was ended"),
            _ => error,
        })
    }
}
