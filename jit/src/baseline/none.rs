//! The baseline tier where there is none: what the others ask it for, and never get.

use super::made::Made;
use crate::cache::KeptBlocks;
use crate::explain::Explanation;
use crate::place::CodePlace;
use crate::settings::Settings;
use rum_interp::engine::{Backing, State};
use std::convert::Infallible;

/// There is none.
pub(crate) struct Baseline(Infallible);

/// There is no way into blocks: this is never executed.
pub(crate) fn way_from_units() -> Vec<u8> {
    vec![0; 16]
}

impl Baseline {
    pub fn new(_: &mut State, _: &Settings, _: Backing) -> Option<Baseline> {
        None
    }

    pub fn make_room(&mut self, _: usize) -> std::io::Result<()> {
        match self.0 {}
    }

    pub fn has(&self, _: u32) -> bool {
        match self.0 {}
    }

    pub fn depends_on(&self, _: u32) -> bool {
        match self.0 {}
    }

    pub fn starts(&self) -> Vec<u32> {
        match self.0 {}
    }

    pub fn warmth(&self, _: u32) -> Option<i32> {
        match self.0 {}
    }

    pub fn head(&self, _: u32) -> u32 {
        match self.0 {}
    }

    pub fn is_hot(&self, _: u32) -> bool {
        match self.0 {}
    }

    pub fn is_held(&self, _: u32) -> bool {
        match self.0 {}
    }

    pub fn make(&mut self, _: &mut State, _: u32, _: i32, _: i32) -> Option<Made> {
        match self.0 {}
    }

    pub fn heat(&mut self, _: u32, _: i32) {
        match self.0 {}
    }

    pub fn hold(&mut self, _: u32) {
        match self.0 {}
    }

    pub fn unit_came(&mut self, _: u32) {
        match self.0 {}
    }

    pub fn unit_went(&mut self, _: u32) -> bool {
        match self.0 {}
    }

    pub fn drop_over(&mut self, _: u32) -> Vec<u32> {
        match self.0 {}
    }

    pub fn check_failed(&mut self, _: u32) -> Vec<u32> {
        match self.0 {}
    }

    pub fn explain(&self, _: &mut Explanation) {
        match self.0 {}
    }

    pub fn is_full(&self) -> bool {
        match self.0 {}
    }

    pub fn clear(&mut self, _: &mut State, _: &Settings) -> Vec<u32> {
        match self.0 {}
    }

    pub fn newest(&self, _: u32) -> Option<CodePlace> {
        match self.0 {}
    }

    pub fn places(&self) -> Vec<CodePlace> {
        match self.0 {}
    }

    pub fn keep(&self) -> KeptBlocks<'_> {
        match self.0 {}
    }

    pub fn restore(&mut self, _: &mut State, _: &KeptBlocks, _: i32) -> Vec<u32> {
        match self.0 {}
    }

    /// # Safety
    /// None: it cannot be called.
    pub unsafe fn enter(&self, _: *mut u8, _: u32) -> u64 {
        match self.0 {}
    }
}
