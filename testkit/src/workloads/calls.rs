//! Procedure calls: `calls`, `fib`, `fibpush`, `fibtail`, `sumrec`, `ackermann`, `nestcalls`.

/// The sum of `size` calls' arguments.
pub(super) fn calls(size: u32) -> u32 {
    (1..=size).rev().fold(0, u32::wrapping_add)
}

/// The n-th Fibonacci number, by the definition.
pub(super) fn fib(n: u32) -> u32 {
    if n < 2 { n } else { fib(n - 1).wrapping_add(fib(n - 2)) }
}

/// The sum of `size` Fibonacci numbers with arguments from 30 to 45.
pub(super) fn fib_by_tail_calls(size: u32) -> u32 {
    fn number(n: u32) -> u32 {
        (0..n).fold((0u32, 1u32), |(a, b), _| (b, a.wrapping_add(b))).0
    }
    (1..=size).map(|round| number(30 + round % 16)).fold(0, u32::wrapping_add)
}

/// The sum of 1 to 5,000, `size` times.
pub(super) fn sums(size: u32) -> u32 {
    fn sum(n: u32) -> u32 {
        if n == 0 { 0 } else { n.wrapping_add(sum(n - 1)) }
    }
    (0..size).map(|_| sum(5000)).fold(0, u32::wrapping_add)
}

/// Ackermann's function. Meant for `m` up to 3 and `n` up to 11.
pub(super) fn ackermann(m: u32, n: u32) -> u32 {
    match (m, n) {
        (0, n) => n.wrapping_add(1),
        (m, 0) => ackermann(m - 1, 1),
        (m, n) => ackermann(m - 1, ackermann(m, n - 1)),
    }
}

/// Calls whose arguments are calls, `size` rounds.
pub(super) fn nested_calls(size: u32) -> u32 {
    fn k(x: u32) -> u32 {
        x.wrapping_add(x / 16).wrapping_add(1)
    }
    fn h(x: u32) -> u32 {
        k(k(x).wrapping_mul(3))
    }
    fn g(x: u32) -> u32 {
        h(h(x).wrapping_add(2))
    }
    fn f(x: u32) -> u32 {
        g(g(x).wrapping_add(1))
    }
    (0..size).fold(1, |x, _| f(x))
}
