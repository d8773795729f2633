//! The binary `rum`; everything that it does is in the library, where fuzzers can call it, too.

#[global_allocator]
static HEAP: rum_cli::Heap = rum_cli::Heap;

fn main() -> std::process::ExitCode {
    rum_cli::main()
}
