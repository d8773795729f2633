//! The structure of the workspace: no circle of imports between modules, no file that is too long.
//!
//! A file is a module. It imports another one by a `use` declaration, wherever that stands, or by a path that is written out in
//! an expression or a type; a name that comes through a re-export counts for the file that re-exports it. Tests may import
//! what they like. Functions that are too long are found by clippy (`clippy.toml`).

use crate::support::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// The crates, by the folders of their sources.
const CRATES: [&str; 8] =
    ["src", "cli/src", "interp/src", "jit/src", "asm/src", "proofs/src", "testkit/src", "benches/ladder/src"];
/// Lines in a file.
const LINES_MAX: usize = 500;

/// The modules of a crate, by their paths (`["memory", "layout"]`), and what each imports.
type Imports = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

/// The path of the module that a file is.
fn module_of(file: &Path) -> Vec<String> {
    let mut path: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

/// Collects the paths that a file names, without what belongs to tests.
struct Paths {
    found: Vec<Vec<String>>,
    /// Inline modules around.
    inside: Vec<String>,
}

/// Whether an item belongs to tests.
pub fn is_test(attributes: &[Attribute]) -> bool {
    let text = |attribute: &Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    };
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && text(attribute) == "test")
}

impl Paths {
    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.add(with(name.ident.to_string())),
            UseTree::Rename(name) => self.add(with(name.ident.to_string())),
            UseTree::Glob(_) => self.add(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }

    /// A path relative to an inline module becomes one relative to the file.
    fn add(&mut self, mut path: Vec<String>) {
        for _ in &self.inside {
            if path.first().is_some_and(|first| first == "super") {
                path.remove(0);
            }
        }
        self.found.push(path);
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Mod(module) => {
                self.inside.push(module.ident.to_string());
                visit::visit_item(self, item);
                self.inside.pop();
            }
            Item::Use(using) if is_test(&using.attrs) => {}
            Item::Fn(function) if is_test(&function.attrs) => {}
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, using: &'a syn::ItemUse) {
        self.tree(&[], &using.tree);
    }

    /// `pub(crate)` and the like import nothing.
    fn visit_visibility(&mut self, _: &'a syn::Visibility) {}

    fn visit_path(&mut self, path: &'a syn::Path) {
        // One word alone is a name of this module's own, whatever it is called.
        if path.segments.len() > 1 {
            self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// The module that a path written in `module` leads to, if it is one of the crate and another.
fn target(modules: &BTreeSet<Vec<String>>, module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (mut at, rest): (Vec<String>, _) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (module.to_vec(), &path[1..]),
        "super" => (module.to_vec(), path),
        // A child of the module, unless it is another crate or a name.
        first => {
            let child = [module, &[first.to_owned()]].concat();
            (modules.contains(&child).then(|| module.to_vec())?, path)
        }
    };
    let mut rest = rest.iter().peekable();
    while rest.next_if(|part| *part == "super").is_some() {
        at.pop()?;
    }
    for part in rest {
        let deeper = [at.as_slice(), std::slice::from_ref(part)].concat();
        if !modules.contains(&deeper) {
            break;
        }
        at = deeper;
    }
    (at != module).then_some(at)
}

/// Who imports whom. Modules and their texts are given.
fn imports(sources: &BTreeMap<Vec<String>, String>) -> Imports {
    let modules: BTreeSet<Vec<String>> = sources.keys().cloned().collect();
    let of = |(module, text): (&Vec<String>, &String)| {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("/")));
        let mut paths = Paths { found: Vec::new(), inside: Vec::new() };
        paths.visit_file(&file);
        let targets = paths.found.iter().filter_map(|path| target(&modules, module, path)).collect();
        (module.clone(), targets)
    };
    sources.iter().map(of).collect()
}

/// The shortest circle through a module, if there is one.
fn circle_through(imports: &Imports, start: &Vec<String>) -> Option<Vec<String>> {
    let name = |module: &Vec<String>| if module.is_empty() { "the root".to_owned() } else { module.join("/") };
    let mut before: BTreeMap<&Vec<String>, &Vec<String>> = BTreeMap::new();
    let mut queue = vec![start];
    let mut next = 0;
    while let Some(&module) = queue.get(next) {
        next += 1;
        for target in &imports[module] {
            if target == start {
                let mut way = vec![name(start), name(module)];
                let mut at = module;
                while let Some(&earlier) = before.get(at) {
                    way.push(name(earlier));
                    at = earlier;
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(target) {
                before.insert(target, module);
                queue.push(target);
            }
        }
    }
    None
}

/// All circles, each once, as texts.
fn circles(imports: &Imports) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for module in imports.keys() {
        if let Some(way) = circle_through(imports, module)
            && seen.insert(way.iter().cloned().collect::<BTreeSet<_>>())
        {
            texts.push(way.join(" -> "));
        }
    }
    texts
}

fn sources(folder: &Path) -> BTreeMap<Vec<String>, String> {
    let text = |path: PathBuf| {
        let module = module_of(path.strip_prefix(folder).expect("below the folder"));
        (module, fs::read_to_string(&path).expect("text"))
    };
    // Binaries beside a library are crates of their own.
    let mut bins = vec![folder.join("bin")];
    bins.extend(folder.join("lib.rs").exists().then(|| folder.join("main.rs")));
    let is_bin = |path: &PathBuf| bins.iter().any(|bin| path.starts_with(bin));
    files(folder, &["rs"]).into_iter().filter(|path| !is_bin(path)).map(text).collect()
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    for name in CRATES {
        let sources = sources(&root().join(name));
        assert!(!sources.is_empty(), "{name} has sources");
        let mut sources = sources;
        // Golden tests are a module of the crate that only tests have.
        sources.retain(|module, _| module.first().is_none_or(|first| first != "golden"));
        found.extend(circles(&imports(&sources)).into_iter().map(|circle| format!("{name}: {circle}")));
    }
    assert!(found.is_empty(), "circles of imports:\n{}", found.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let folders = ["src", "cli", "interp", "jit", "asm", "testkit", "tests", "benches", "fuzz"];
    let sources: Vec<_> = folders.iter().flat_map(|folder| files(&root().join(folder), &["rs"])).collect();
    assert!(sources.len() > 100, "{} files", sources.len());
    let lines = |path: &PathBuf| fs::read_to_string(path).expect("text").lines().count();
    let long: Vec<_> = sources.iter().filter(|path| lines(path) > LINES_MAX).collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines: {long:?}");
}

/// What a program that embeds rum has to build, itself not counted.
#[test]
fn embedding_brings_few_crates() {
    const CRATES_MAX: usize = 65;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = std::process::Command::new(cargo)
        .args(["tree", "--locked", "--offline", "-p", "rum", "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: BTreeSet<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!(crates.iter().any(|name| name.starts_with("cranelift-codegen ")), "{crates:?}");
    assert!(crates.len() <= CRATES_MAX, "{} crates: {crates:#?}", crates.len());
    assert!(!crates.iter().any(|name| name.starts_with("clap ")));
}

fn made_up(files: &[(&str, &str)]) -> Vec<String> {
    let sources = files.iter().map(|(path, text)| (module_of(Path::new(path)), (*text).to_owned())).collect();
    circles(&imports(&sources))
}

#[test]
fn circles_are_found() {
    let two = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "fn f() { crate::a::g() }")];
    assert_eq!(made_up(&two), ["a -> b -> a"]);
    let family = [("lib.rs", "mod a;"), ("a/mod.rs", "mod b; pub use b::B;"), ("a/b.rs", "use super::A;")];
    assert_eq!(made_up(&family), ["a -> a/b -> a"]);
    let three = [
        ("lib.rs", "pub use a::X;"),
        ("a.rs", "use {crate::b::{self, Y}, std::io};"),
        ("b.rs", "impl super::c::Z {}"),
        ("c.rs", "use crate::X;"),
    ];
    assert_eq!(made_up(&three), ["the root -> a -> b -> c -> the root"]);
}

#[test]
fn what_is_no_circle_is_not_found() {
    let tree = [
        ("main.rs", "mod a; mod b; use a::X;"),
        ("a/mod.rs", "mod c; use self::c::Y; #[cfg(test)] mod tests { use crate::b::Z; }"),
        ("a/c.rs", "use super::d::W; use std::fmt;"),
        ("a/d.rs", "mod inner { use super::V; }"),
        ("b.rs", "use crate::a::X; fn a() { a::b() }"),
        ("d/mod.rs", "fn f(e: u32) -> u32 { e }"),
        ("d/e.rs", "use super::f;"),
    ];
    assert_eq!(made_up(&tree), Vec::<String>::new());
}
