//! For tests: rules and counters from bytes.

use super::config::Config;
use super::counters::Counters;
use super::host::Apart;
use super::judge;

/// A file of rules, and counters before and now, apart from each other by a 0.
pub fn rules(bytes: &[u8]) {
    let mut texts = bytes.split(|&byte| byte == 0).map(String::from_utf8_lossy);
    let Ok(config) = Config::parse(&texts.next().unwrap_or_default()) else { return };
    for engine in &config.engines {
        let contender = config.contender(&engine.name, "rum").unwrap_or_else(|failure| panic!("{}", failure.text));
        assert!(config.is_command(&engine.name) != contender.is_rum);
        assert!(!contender.text().is_empty());
    }
    config.races.iter().for_each(|race| assert!(race.name().starts_with(&race.program)));
    let mut counters = texts.map(|text| serde_json::from_str::<Counters>(&text).unwrap_or_default());
    let (base, head) = (counters.next().unwrap_or_default(), counters.next().unwrap_or_default());
    let apart = Apart::of(&base.host, &head.host, true);
    for finding in judge::work(&base, &head) {
        assert!(finding.moved() || finding.change().is_none());
    }
    for rule in &config.counters {
        for finding in judge::counters(rule, &base, &head, &apart, config.host_required) {
            // What is the same is never worse.
            assert!(finding.moved() || finding.verdict != judge::Verdict::Regression, "{finding:?}");
            let _ = finding.change();
        }
    }
}
