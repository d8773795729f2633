//! That programs reach their own memory and nothing else: identifiers and offsets that are made up, in every engine; memory that is never
//! writable and executable at once; and that what could break this is in few files. The argument is in docs/security.md.

use crate::structure::is_test;
use crate::support::{files, root};
use rum::{AddressSpace, EngineKind, Ids, Machine, MachineOptions, Optimisation, Options, Scripted, Stop, Vm, Word};
use rum_testkit::builder::{Builder, R0, R1, R2, R3, R4, R5, R6, R7};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use syn::visit::{self, Visit};

/// Words in a small segment and in a large one.
const LENGTHS: [u32; 2] = [3, 1000];
/// What is stored where it is allowed.
const STORED: u32 = 77;
/// Accesses before the one that is made up: enough for every tier.
const ROUNDS: u32 = 400;

/// One way to access a word.
#[derive(Clone, Copy, Debug, Default)]
struct Access {
    stores: bool,
    /// Whether the offset is known to a compiler.
    is_const: bool,
    /// Which of the two segments is accessed before.
    before: usize,
    /// Which of the two the identifier is made from, and how far away it is.
    from: usize,
    distance: u32,
    offset: u32,
    /// The offset of the last access is this much further.
    further: u32,
}

/// Allocates both segments and a third that is given back; accesses one of them again and again, and once what is made up. Then it halts,
/// which must not happen.
fn program(access: Access) -> Vec<Word> {
    let ids = [R1, R7];
    let mut b = Builder::new();
    for (id, words) in ids.into_iter().zip(LENGTHS) {
        b.literal(R3, words);
        b.alloc(id, R3);
    }
    b.literal(R3, 5);
    b.alloc(R5, R3);
    b.abandon(R5);
    b.literal(R4, ROUNDS);
    let head = b.label_here();
    b.constant(R5, access.distance, R3);
    b.add(R5, R5, ids[access.from]);
    b.cond_move(R5, ids[access.before], R4);
    b.constant(R2, access.offset.wrapping_add(access.further), R3);
    if !access.is_const {
        b.literal(R6, access.offset);
        b.cond_move(R2, R6, R4);
    }
    b.literal(R3, STORED);
    match access.stores {
        true => b.amend(R5, R2, R3),
        false => b.index(R3, R5, R2),
    }
    let [next, end] = [b.label(), b.label()];
    b.branch(R4, next, end, [R3, R6], R0);
    b.bind(next);
    b.not(R6, R0);
    b.add(R4, R4, R6);
    b.goto(head, R3, R0);
    b.bind(end);
    b.halt();
    b.build()
}

/// Runs it with one engine. Gives the name of its fault, whether code was compiled, and the identifiers of both segments.
fn run(access: Access, options: &Options, how: &MachineOptions) -> (&'static str, bool, [u32; 2]) {
    let program = program(access);
    let machine = Machine::new(&program, Box::new(Scripted::default()), how).expect("a machine");
    let mut vm = Vm::new(machine, options).expect("an engine");
    let stop = vm.run(None);
    let Stop::Fault(fault) = stop else { panic!("{stop} after {access:?} with {options:?} {how:?}") };
    let machine = vm.machine();
    assert!(machine.segment(0) == Some(&program[..]), "the program is as it was: {access:?} with {options:?} {how:?}");
    let ids = [1, 7].map(|register: usize| machine.registers()[register]);
    for (number, (id, words)) in ids.into_iter().zip(LENGTHS).enumerate() {
        let mut expected = vec![0; words as usize];
        if access.stores && number == access.before {
            expected[access.offset as usize] = STORED;
        }
        assert!(machine.segment(id) == Some(&expected[..]), "segment {id}: {access:?} with {options:?} {how:?}");
    }
    (fault.kind.name(), vm.stats().regions_published + vm.stats().baseline_blocks > 0, ids)
}

/// Every identifier near an active one, or far from all, and offsets behind the end.
fn made_up() -> Vec<(u32, u32)> {
    let near = [1, 2, 3, 9, 250, u32::MAX, u32::MAX - 1];
    let far = [1 << 12, 1 << 20, 1 << 28, 1 << 31, u32::MAX >> 1, u32::MAX << 20];
    let ids = near.into_iter().chain(far).map(|distance| (distance, 0));
    // An offset that is constant is the same each time, so offsets are made up where they vary.
    ids.chain([1, 3, 253, 254, 998, 1000, 1 << 24, 1 << 30, u32::MAX - 1].map(|further| (0, further))).collect()
}

#[test]
fn made_up_identifiers_and_offsets_reach_nothing() {
    let engines = [
        Options { engine: EngineKind::Interp, ..Options::default() },
        Options { engine: EngineKind::Jit, baseline_threshold: 1, compile_threads: 0, ..Options::default() },
        Options {
            engine: EngineKind::Jit,
            hot_threshold: 1,
            compile_threads: 0,
            disabled: vec![Optimisation::Baseline],
            ..Options::default()
        },
    ];
    let mut compiled = [0; 3];
    let mut faults = BTreeSet::new();
    for (ids, address_space) in Ids::ALL
        .into_iter()
        .flat_map(|ids| [AddressSpace::Auto, AddressSpace::Granules(1 << 20)].map(|space| (ids, space)))
    {
        let how = MachineOptions { ids, address_space, memory_bytes_max: 1 << 26, ..MachineOptions::default() };
        let outside = Access { further: 1 << 20, ..Access::default() };
        let (.., both) = run(outside, &engines[0], &how);
        for (number, (distance, further)) in made_up().into_iter().enumerate() {
            let is_const = number % 2 != 0 && further == 0;
            let offset = [2u32, 0][number / 2 % 2];
            for (before, from) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let id = both[from].wrapping_add(distance);
                // Segment 0 is everybody's, and the other segment may be just as far away.
                let is_inside = |(&other, words)| id == other && offset.wrapping_add(further) < words;
                if id == 0 || both.iter().zip(LENGTHS).any(is_inside) {
                    continue;
                }
                let accesses =
                    [false, true].map(|stores| Access { stores, is_const, before, from, distance, offset, further });
                for access in accesses {
                    for (engine, compiled) in engines.iter().zip(&mut compiled) {
                        let (fault, has_code, _) = run(access, engine, &how);
                        faults.insert(fault);
                        *compiled += usize::from(has_code);
                    }
                }
            }
        }
    }
    assert!(compiled[0] == 0 && compiled[1] > 400 && compiled[2] > 400, "{compiled:?}");
    assert_eq!(faults.len(), 4, "index and amend, inactive and outside: {faults:?}");
}

#[cfg(target_os = "linux")]
mod memory {
    use rum::{EngineKind, Machine, MachineOptions, Options, Scripted, Stop, Vm};
    use rum_testkit::programs::programs;
    use std::fs;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// What `/proc` says of this process's memory at some moment: how often it is executable, and where it is writable, too.
    fn look_at_memory() -> (usize, Vec<String>) {
        let maps = fs::read_to_string("/proc/self/maps").expect("it is there");
        let executable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|access| access.contains('x')));
        let (all, both): (Vec<&str>, _) = (
            executable.clone().collect(),
            executable.filter(|line| line.split(' ').nth(1).is_some_and(|access| access.contains('w'))),
        );
        (all.len(), both.map(str::to_owned).collect())
    }

    /// Looked at when code was made, and all the time by another thread. (The code of the baseline tier is seen at two addresses, writable at
    /// one and executable at the other: see docs/security.md.)
    #[test]
    fn no_memory_is_writable_and_executable() {
        let program = programs().into_iter().find(|program| program.name == "mega").expect("it is on the list");
        let image = fs::read(program.image_path()).expect("the image");
        let words = rum::decode_image(&image).expect("a program");
        let input = format!("{}\n", program.small.expect("a size for tests"));
        let (end, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
        let made = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) {
                    assert_eq!(look_at_memory().1, [""; 0]);
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
            let mut rounds = 0;
            while rounds < 10 || looks.load(Ordering::Relaxed) < 100 {
                let options = Options {
                    engine: EngineKind::Jit,
                    baseline_threshold: 1,
                    hot_threshold: 30,
                    compile_threads: rounds % 2,
                    code_budget_bytes: 1 << 16,
                    ..Options::default()
                };
                let console = Box::new(Scripted::new(input.as_bytes()));
                let machine = Machine::new(&words, console, &MachineOptions::default()).expect("a machine");
                let mut vm = Vm::new(machine, &options).expect("an engine");
                let made = Arc::clone(&made);
                vm.observe_code(Box::new(move |_| {
                    let (executable, both) = look_at_memory();
                    assert!(executable > 1 && both.is_empty(), "{both:?}");
                    made.fetch_add(1, Ordering::Relaxed);
                }));
                assert!(matches!(vm.run(None), Stop::Halt));
                rounds += 1;
            }
            end.store(true, Ordering::Relaxed);
        });
        let made = made.load(Ordering::Relaxed);
        assert!(made > 200, "{made} pieces of code");
    }
}

/// The files that may contain `unsafe` outside of tests, by their folders. A machine's memory and code that was made are what it is for; who
/// adds a file says why nothing else would do.
const UNSAFE: &str = "
    interp/src: entries heat host input machine once output pack poll reserve run snapshot state view watch
    interp/src/memory: large layout mod named names saved segment_zero small
    interp/src/tally: mod
    jit/src: code factory per_word vm
    jit/src/baseline: arena listing none tier
    jit/src/cache: format
    jit/src/engine: execute mod
    jit/src/golden: mod
    jit/src/stubs: host mod
    jit/src/units: blocks table
    cli/src: heap sandbox signals surroundings
    cli/src/cache: mod
    cli/src/measure: child
    testkit/src: contenders";

/// Collects whether a file, its tests apart, contains `unsafe`.
#[derive(Default)]
struct Unsafe(bool);

impl<'a> Visit<'a> for Unsafe {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_unsafe(&mut self, _: &'a syn::ExprUnsafe) {
        self.0 = true;
    }

    fn visit_signature(&mut self, signature: &'a syn::Signature) {
        self.0 |= signature.unsafety.is_some();
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        self.0 |= item.unsafety.is_some();
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.0 |= item.unsafety.is_some();
        visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, _: &'a syn::ItemForeignMod) {
        self.0 = true;
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        self.0 |= attribute.path().is_ident("unsafe");
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.0 |=
            call.tokens.to_string().split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
    }
}

fn is_unsafe(text: &str) -> bool {
    let mut found = Unsafe::default();
    found.visit_file(&syn::parse_file(text).expect("it is compiled"));
    found.0
}

#[test]
fn unsafe_code_is_in_few_files() {
    let folders = ["src", "cli", "interp", "jit", "asm", "testkit", "benches"];
    let all = folders.iter().flat_map(|folder| files(&root().join(folder), &["rs"]));
    // Those are compiled for tests only.
    let all = all.filter(|path| !path.ends_with("tests.rs"));
    let found = all.filter(|path| is_unsafe(&fs::read_to_string(path).expect("text")));
    let name = |path: PathBuf| path.strip_prefix(root()).expect("below it").display().to_string();
    let found: BTreeSet<String> = found.map(name).collect();
    let of = |line: &str| {
        let (folder, names) = line.trim().split_once(": ")?;
        Some(names.split(' ').map(|name| format!("{folder}/{name}.rs")).collect::<Vec<_>>())
    };
    let allowed: BTreeSet<String> = UNSAFE.lines().filter_map(of).flatten().collect();
    assert_eq!(found, allowed, "the files that contain unsafe, and those that may");
}

#[test]
fn unsafe_code_is_found() {
    for text in [
        "fn f() { unsafe { g() } }",
        "unsafe fn f() {}",
        "unsafe impl Send for S {}",
        "impl S { unsafe fn f() {} }",
        "extern \"C\" { fn f(); }",
        "#[unsafe(no_mangle)] fn f() {}",
        "m! { fn f() { unsafe { g() } } }",
    ] {
        assert!(is_unsafe(text), "{text}");
    }
    for text in ["// unsafe\nfn f() { g(\"unsafe\") }", "#[cfg(test)] mod tests { fn f() { unsafe { g() } } }"] {
        assert!(!is_unsafe(text), "{text}");
    }
}

/// The tests that docs/security.md names are there.
#[test]
fn promises_have_tests() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("text");
    let named = text.split('`').filter_map(|word| word.split_once(".rs::"));
    let mut count = 0;
    for (file, name) in named {
        let source = fs::read_to_string(root().join(format!("{file}.rs"))).unwrap_or_else(|_| panic!("{file}.rs"));
        assert!(source.contains(&format!("fn {name}(")), "{file}.rs has no {name}");
        count += 1;
    }
    assert!(count > 15, "{count} tests are named");
}
