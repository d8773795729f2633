//! The images of our own programs are what their sources assemble to.

use std::path::Path;

use rum_asm::{Options, Source, assemble};
use serde::Deserialize;

#[derive(Deserialize)]
struct Programs {
    program: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    name: String,
    sources: Vec<String>,
}

#[test]
fn no_image_is_stale() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../umbin");
    let list = std::fs::read_to_string(folder.join("programs.toml")).expect("the list of programs");
    let list: Programs = toml::from_str(&list).expect("the list is well formed");
    assert!(list.program.len() >= 20);
    for program in list.program {
        let source =
            |name: &String| Source::new(name, std::fs::read(folder.join("src").join(name)).expect("the source"));
        let sources: Vec<Source> = program.sources.iter().map(source).collect();
        let assembly = assemble(&sources, &Options::default()).unwrap_or_else(|errors| panic!("{}", errors[0]));
        assert!(assembly.warnings.is_empty(), "{}", assembly.warnings[0]);
        let image = std::fs::read(folder.join(&program.name).with_extension("um")).expect("the image");
        assert!(
            assembly.to_bytes() == image,
            "umbin/{0}.um is stale: build it with `rum asm -o {0}.um src/{1}` in umbin",
            program.name,
            program.sources.join(" src/")
        );
    }
}
