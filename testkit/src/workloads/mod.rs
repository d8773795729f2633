//! The algorithms of the programs in `umbin/`, written a second time: what each must print for any size.
//!
//! Nothing here knows the machine. Arithmetic is modulo 2^32 as there, random numbers come from the same generator in
//! the same order, and containers are whatever is plainest in Rust. One file for each group; [`expected`] is the way in.

mod arrays;
mod calc;
mod calls;
mod lists;
mod loops;
mod mixed;
mod objects;
mod runtime;
mod stress;
mod strings;

use runtime::Random;

pub use runtime::read_size;

/// What the program `name` of `umbin/` prints when it is given `size`, or `None` when there is no such program or its
/// output depends on more than a size (`cat`, `calc`; see [`expected_for_input`]).
///
/// `umum` counts as the program it runs when its input is a size.
pub fn expected(name: &str, size: u32) -> Option<String> {
    let lines = |values: &[u32]| values.iter().map(|value| format!("{value}\n")).collect::<String>();
    Some(match name {
        "hello" => "Hello, world!\n".to_string(),
        "stress" => stress::run(size),
        "count" => lines(&[loops::count(size)]),
        "arith" => lines(&loops::arith(size)),
        "nested" => lines(&[loops::nested(size)]),
        "calls" => lines(&[calls::calls(size)]),
        "fib" | "fibpush" => lines(&[calls::fib(size)]),
        "fibtail" => lines(&[calls::fib_by_tail_calls(size)]),
        "sumrec" => lines(&[calls::sums(size)]),
        "ackermann" => lines(&[calls::ackermann(3, size)]),
        "nestcalls" => lines(&[calls::nested_calls(size)]),
        "list" => lines(&lists::build(size, 1_000_000)),
        "listshort" => lines(&lists::build(size, 5_000)),
        "map" => lines(&[lists::map(size)]),
        "filter" => lines(&lists::filter(size)),
        "match" => lines(&[lists::matches(size)]),
        "closure" => lines(&[objects::counter(3, size)]),
        "mono" => lines(&[objects::shapes(&mut Random::default(), 1, size)]),
        "mega" => lines(&[objects::shapes(&mut Random::default(), 8, size)]),
        "sieve" => lines(&[arrays::sieves(size)]),
        "matmul" => lines(&[arrays::matrix_product(size)]),
        "sort" => lines(&arrays::sort(size)),
        "concat" => lines(&[strings::concat(size)]),
        "strhash" => lines(&[strings::hash_again(size)]),
        "wordcount" => lines(&strings::word_count(size)),
        "symtab" => lines(&strings::symbol_table(size)),
        "mixed" | "umum" => lines(&[mixed::run(size)]),
        _ => return None,
    })
}

/// What the program `name` of `umbin/` prints for `input`, byte for byte. `default_size` is the one of the program in
/// `umbin/programs.toml`; it counts when the program takes a size and the input has none.
pub fn expected_for_input(name: &str, input: &[u8], default_size: u32) -> Option<Vec<u8>> {
    match name {
        "cat" => Some(input.to_vec()),
        "calc" => Some(calc::run(input)),
        _ => expected(name, read_size(input, default_size)).map(String::into_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::{expected, expected_for_input, read_size};

    #[test]
    fn sizes_are_the_digits_of_the_first_line() {
        for (input, size) in
            [("", 7), ("\n5", 7), ("none\n", 7), ("0", 0), ("12\n34", 12), (" 1,000_000 \r\n", 1_000_000)]
        {
            assert_eq!(read_size(input.as_bytes(), 7), size, "{input:?}");
        }
        assert_eq!(read_size(b"4294967297", 7), 1);
    }

    /// Values known from elsewhere, so that an error common to all versions of a program is seen.
    #[test]
    fn known_values() {
        for (name, size, output) in [
            ("count", 10, "10\n"),
            ("calls", 100, "5050\n"),
            ("fib", 30, "832040\n"),
            ("fibpush", 1, "1\n"),
            ("sumrec", 2, "25005000\n"),
            ("ackermann", 5, "253\n"),
            ("list", 100, "100\n4950\n"),
            ("map", 0, "12497500\n"),
            ("sieve", 1, "9592\n"),
        ] {
            assert_eq!(expected(name, size).as_deref(), Some(output), "{name} {size}");
        }
        assert_eq!(expected("no such program", 1), None);
    }

    #[test]
    fn input_is_passed_on() {
        assert_eq!(expected_for_input("cat", b"a\xff\n", 0), Some(b"a\xff\n".to_vec()));
        assert_eq!(expected_for_input("calc", b"1+1\n", 0), Some(b"2\n".to_vec()));
        assert_eq!(expected_for_input("fib", b"", 10), Some(b"55\n".to_vec()));
    }
}
