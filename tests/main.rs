//! The tests of the command and of the library's face: one binary, a module for each topic.
//!
//! What needs a terminal, signals or special files is Unix only, and so is this whole binary.
#![cfg(unix)]

mod asm;
mod bench;
mod cache;
mod check;
mod cli;
mod console;
mod counters;
mod dap;
mod debug;
mod explain;
mod failures;
mod faults;
mod fuzz;
mod gate;
mod hostile;
mod ids;
mod images;
mod isolation;
mod languages;
mod library;
mod limits;
mod odd_images;
mod outside;
mod profile;
mod programs;
mod sandbox;
mod session;
mod signals;
mod structure;
mod style;
mod support;
mod surroundings;
mod trace;
mod tutorial;
mod verify;
mod workflows;
