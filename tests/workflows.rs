//! The workflows of continuous integration: that they can be read, and call only what there is.

use crate::support::root;
use std::fs;
use std::path::PathBuf;
use yaml_rust2::{Yaml, YamlLoader};

fn workflows() -> Vec<(PathBuf, Yaml)> {
    let folder = fs::read_dir(root().join(".github/workflows")).expect("workflows");
    let paths = folder.map(|entry| entry.expect("a readable folder").path());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("text");
        let mut documents = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(documents.len(), 1, "{path:?}");
        (path, documents.remove(0))
    };
    paths.map(read).collect()
}

/// The steps of every job.
fn steps(workflow: &Yaml) -> Vec<&Yaml> {
    let jobs = workflow["jobs"].as_hash().expect("jobs");
    jobs.values().flat_map(|job| job["steps"].as_vec().expect("steps")).collect()
}

#[test]
fn workflows_have_what_a_runner_asks_for() {
    let workflows = workflows();
    assert!(workflows.len() >= 3, "{} workflows", workflows.len());
    for (path, workflow) in &workflows {
        assert!(!workflow["name"].is_badvalue() && !workflow["on"].is_badvalue(), "{path:?}: no name or trigger");
        // Nothing gets more rights than it is given here.
        assert!(workflow["permissions"].as_hash().is_some(), "{path:?}: no permissions");
        for (name, job) in workflow["jobs"].as_hash().expect("jobs") {
            assert!(job["runs-on"].as_str().is_some(), "{path:?}: {name:?} runs nowhere");
        }
        for step in steps(workflow) {
            let (uses, run) = (step["uses"].as_str(), step["run"].as_str());
            assert!(uses.is_some() != run.is_some(), "{path:?}: a step either uses or runs something: {step:?}");
            if let Some(action) = uses {
                assert!(action.contains('@'), "{path:?}: {action} of which version?");
            }
        }
    }
}

#[test]
fn workflows_call_scripts_that_exist() {
    let mut scripts = 0;
    for (path, workflow) in workflows() {
        for word in steps(&workflow).iter().filter_map(|step| step["run"].as_str()).flat_map(str::split_whitespace) {
            if word.starts_with("scripts/") || word.starts_with(".ci/") || word.starts_with("benches/") {
                assert!(root().join(word).is_file(), "{path:?}: there is no {word}");
                scripts += 1;
            }
        }
    }
    assert!(scripts > 0, "no script is called");
}
