//! Everything a bench found out.

use super::race::Race;
use serde::Serialize;
use std::time::SystemTime;

/// Everything a bench found out, as `--json` writes it.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Where and when.
    pub environment: Environment,
    /// The contenders, with their command lines.
    pub contenders: Vec<Named>,
    /// One for each program.
    pub races: Vec<Race>,
}

/// A contender as it was run.
#[derive(Debug, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The command; `{}` stands for the image. A rum of ours has no path.
    pub command: String,
}

/// What figures depend on besides the program.
#[derive(Debug, Serialize)]
pub struct Environment {
    /// The version of rum.
    pub rum: &'static str,
    /// When it began, in UTC.
    pub date: String,
    /// The processor, as the system calls it.
    pub cpu: String,
    /// Processors that may be used.
    pub cpus: usize,
    /// System and architecture.
    pub system: String,
}

impl Environment {
    /// That of this process. Of what crates like sysinfo tell, one line of one file is wanted here, and they bring a dozen others.
    pub fn here() -> Environment {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let value = |key: &str| info.lines().find(|line| line.starts_with(key)).and_then(|line| line.split_once(": "));
        let cpu = value("model name").map_or("unknown", |(_, model)| model.trim());
        Environment {
            rum: env!("CARGO_PKG_VERSION"),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            cpu: cpu.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}
