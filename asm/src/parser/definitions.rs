//! What the sources of one run have defined so far.

use std::collections::{HashMap, HashSet};

use crate::ast::{Constant, Slot};
use crate::diagnostic::{Failure, Fallible};
use crate::source::Span;
use crate::token::Token;

/// How deep files and macros may nest.
pub(super) const DEPTH_MAX: usize = 64;

/// What the sources of one run have defined so far.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    pub(super) constants: HashMap<Box<[u8]>, (Constant, Span)>,
    pub(super) macros: HashMap<Box<[u8]>, Macro>,
    pub(super) procedure: Option<Frame>,
    scopes: u32,
    /// Tokens that macros may still produce.
    pub(super) expansion_left: usize,
}

/// The procedure that is being read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) slots: HashMap<Box<[u8]>, Slot>,
    pub(super) scope: u32,
    pub(super) head: Span,
}

impl Definitions {
    pub fn new() -> Definitions {
        Definitions { expansion_left: 1 << 24, ..Definitions::default() }
    }

    pub fn constant(&self, name: &[u8]) -> Option<Constant> {
        Some(self.constants.get(name)?.0)
    }

    /// The parameter or local called `name` of the procedure that is being read.
    pub fn slot(&self, name: &[u8]) -> Option<Slot> {
        self.procedure.as_ref()?.slots.get(name).copied()
    }

    pub fn procedure_scope(&self) -> Option<u32> {
        Some(self.procedure.as_ref()?.scope)
    }

    pub fn new_scope(&mut self) -> u32 {
        self.scopes += 1;
        self.scopes
    }

    /// A label must not look like something else where it is used.
    pub fn check_label(&self, name: &[u8], span: Span) -> Fallible<()> {
        let text = String::from_utf8_lossy(name);
        if let Some((_, defined)) = self.constants.get(name) {
            return Err(Failure::new(span, format!("`{text}` is a constant already"))
                .related(*defined, "defined as a constant here"));
        }
        match &self.procedure {
            Some(frame) if frame.slots.contains_key(name) => {
                Err(Failure::new(span, format!("`{text}` is a parameter or local of this procedure"))
                    .related(frame.head, "declared here"))
            }
            _ => Ok(()),
        }
    }
}

/// A macro.
#[derive(Debug)]
pub(super) struct Macro {
    pub params: Vec<Box<[u8]>>,
    pub body: Vec<Token>,
    /// Labels that the body defines.
    pub private: HashSet<Box<[u8]>>,
    pub defined: Span,
}
