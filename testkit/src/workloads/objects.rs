//! Closures and objects: `closure`, `mono`, `mega`.

use super::runtime::Random;

/// The sum of the results of `calls` calls of a counter that goes up by `step`.
pub(super) fn counter(step: u32, calls: u32) -> u32 {
    let mut count = 0u32;
    let mut call = move || {
        count = count.wrapping_add(step);
        count
    };
    (0..calls).map(|_| call()).fold(0, u32::wrapping_add)
}

#[derive(Clone, Copy)]
struct Shape {
    class: u32,
    w: u32,
    h: u32,
}

impl Shape {
    fn area(&self) -> u32 {
        let (w, h) = (self.w, self.h);
        match self.class {
            0 => w.wrapping_mul(h),
            1 => w.wrapping_mul(w),
            2 => w.wrapping_mul(h) / 2,
            3 => w.wrapping_mul(w).wrapping_mul(355) / 113,
            4 => w.wrapping_add(h).wrapping_mul(w),
            5 => w.wrapping_add(h).wrapping_mul(2),
            6 => w.wrapping_add(h),
            _ => h,
        }
    }

    fn grow(&mut self, k: u32) {
        match self.class % 4 {
            0 => self.w = self.w.wrapping_add(k),
            1 => self.h = self.h.wrapping_add(k),
            2 => {
                self.w = self.w.wrapping_add(k);
                self.h = self.h.wrapping_add(1);
            }
            _ => std::mem::swap(&mut self.w, &mut self.h),
        }
    }
}

/// Makes 64 objects of random classes below `classes`, has them grow and tell their areas `turns` times; the sum of these.
pub(super) fn shapes(random: &mut Random, classes: u32, turns: u32) -> u32 {
    let mut objects = [Shape { class: 0, w: 1, h: 2 }; 64];
    for object in objects.iter_mut().rev() {
        object.class = random.next() / 4096 % classes;
    }
    let (mut total, mut index) = (0u32, 0);
    for left in (1..=turns).rev() {
        index = if index == 0 { 63 } else { index - 1 };
        objects[index].grow(left);
        total = total.wrapping_add(objects[index].area());
    }
    total
}
