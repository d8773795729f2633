//! What the project's own texts must keep to, as far as neither rustfmt nor clippy looks.

use crate::support::{files, root};
use std::fs;

#[test]
fn every_source_file_says_what_lives_there() {
    let folders = ["src", "cli", "interp", "jit", "asm", "testkit", "tests", "benches", "fuzz"];
    let sources: Vec<_> = folders.iter().flat_map(|folder| files(&root().join(folder), &["rs"])).collect();
    assert!(sources.len() > 40, "{} files", sources.len());
    for path in sources {
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.starts_with("//! "), "{} does not open with a line of //!", path.display());
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = files(&root().join("docs"), &["md"]);
    documents.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut links = 0;
    for path in documents {
        let text = fs::read_to_string(&path).expect("text");
        // Code may look like a link.
        let text: String = text.split('`').step_by(2).collect();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !target.contains("://") && !file.is_empty() {
                let place = path.parent().expect("a folder").join(file);
                assert!(place.exists(), "{}: {target} leads nowhere", path.display());
                links += 1;
            }
        }
    }
    assert!(links > 5, "{links} links");
}
