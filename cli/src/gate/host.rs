//! What counters depend on besides the program and the engine. Figures that were stored elsewhere can be compared in full
//! only where all of this is the same; where it is not, the report says what was left out.

use super::config::DependsOn;
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};

/// Where something was counted, and what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The processor, as far as the code generator and the C library look at it.
    pub processor: String,
    /// The system and its C library.
    pub system: String,
    /// How the rum was built: the compiler, and whether with assertions. Empty if it does not tell.
    pub build: String,
    /// What counted host instructions; none if nothing did.
    pub valgrind: Option<String>,
}

impl Host {
    /// This host, and how `rum` was built.
    pub fn here(rum: &str, valgrind: Option<String>) -> Host {
        let line = first_line(rum, &["--version"]).unwrap_or_default();
        let inside = line.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let library = first_line("getconf", &["GNU_LIBC_VERSION"]).map_or_else(String::new, |name| format!(", {name}"));
        Host {
            processor: format!("{}{}", std::env::consts::ARCH, level()),
            system: format!("{}{library}", std::env::consts::OS),
            build: inside.map_or_else(String::new, |(build, _)| build.to_owned()),
            valgrind,
        }
    }
}

/// The level of the x86-64 architecture, where it matters.
fn level() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
    {
        return "-v3";
    }
    ""
}

/// The version of valgrind, if it is there.
pub fn valgrind() -> Option<String> {
    first_line("valgrind", &["--version"])
}

fn first_line(command: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(command).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// What keeps two sets of counters from being compared, as a text that says why.
#[derive(Clone, Debug, Default)]
pub struct Apart {
    processor: Option<String>,
    host: Option<String>,
}

impl Apart {
    /// Compares hosts. If one side was `stored`, its compiler matters: two binaries that are measured side by side may well
    /// differ in theirs, and that is a difference to find.
    pub fn of(base: &Host, head: &Host, stored: bool) -> Apart {
        let differ = |a: &str, b: &str| (a != b).then(|| format!("{a:?} before, {b:?} now"));
        let processor = differ(&base.processor, &head.processor);
        let host = match (&base.valgrind, &head.valgrind) {
            (Some(before), Some(now)) => differ(before, now),
            (None, None) => Some("there is no valgrind".to_owned()),
            (None, Some(_)) => Some("the figures before were taken without valgrind".to_owned()),
            (Some(_), None) => Some("there is no valgrind now".to_owned()),
        };
        let build = if stored { differ(&base.build, &head.build) } else { None };
        let host = host.or(processor.clone()).or(differ(&base.system, &head.system)).or(build);
        Apart { processor, host }
    }

    /// Why a counter that depends on this cannot be compared, if so.
    pub fn why(&self, depends_on: DependsOn) -> Option<&str> {
        match depends_on {
            DependsOn::Program => None,
            DependsOn::Processor => self.processor.as_deref(),
            DependsOn::Host => self.host.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_depends_on_a_difference_is_left_out() {
        let host = |build: &str, valgrind: Option<&str>, processor: &str| Host {
            processor: processor.to_owned(),
            system: "linux".to_owned(),
            build: build.to_owned(),
            valgrind: valgrind.map(str::to_owned),
        };
        let base = host("rustc 1", Some("valgrind-3"), "x86_64");
        let left_out = |head: &Host, stored| {
            let apart = Apart::of(&base, head, stored);
            [DependsOn::Program, DependsOn::Processor, DependsOn::Host].map(|what| apart.why(what).is_some())
        };
        assert_eq!(left_out(&base, true), [false, false, false]);
        let newer = host("rustc 2", Some("valgrind-3"), "x86_64");
        assert_eq!(left_out(&newer, true), [false, false, true]);
        assert_eq!(left_out(&newer, false), [false, false, false]);
        assert_eq!(left_out(&host("rustc 1", None, "x86_64"), false), [false, false, true]);
        assert_eq!(left_out(&host("rustc 1", Some("valgrind-3"), "aarch64"), false), [false, true, true]);
        assert!(Host::here("no-such-rum", None).processor.starts_with(std::env::consts::ARCH));
    }
}
