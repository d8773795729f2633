//! The Debug Adapter Protocol, over standard input and output or a connection: what editors speak with debuggers.
//!
//! Source: the specification at <https://microsoft.github.io/debug-adapter-protocol/specification>. A thread reads requests, so that a pause
//! can end what another one began; everything else is answered in order. A machine is one thread, with the number 1.
//!
//! Files: `wire.rs` messages, `session.rs` requests and their answers, `answers.rs` what the protocol asks of a debugger.

mod answers;
mod session;
mod wire;

use self::session::Session;
use self::wire::{is_gone, read_requests, receive};
use crate::failure::{Failure, reason};
use crate::signals::Control;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::channel;

pub use self::session::Launch;

/// Speaks with a client over standard input and output.
///
/// # Errors
/// The client is gone in the middle of something.
pub fn on_stdio(launch: Launch) -> Result<u8, Failure> {
    serve(BufReader::new(io::stdin()), io::stdout(), launch)
}

/// Waits for one client at a port of this machine, and speaks with it.
///
/// # Errors
/// The port cannot be had, or the client is gone in the middle of something.
pub fn on_port(port: u16, launch: Launch) -> Result<u8, Failure> {
    let cannot =
        |error: io::Error| Failure::host(format!("cannot wait for a client at port {port}: {}", reason(&error)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(cannot)?;
    let at = listener.local_addr().map_err(cannot)?;
    crate::failure::say(format_args!("waiting for a client at {at}"));
    let (client, _) = listener.accept().map_err(cannot)?;
    let back = client.try_clone().map_err(cannot)?;
    serve(BufReader::new(client), back, launch)
}

/// For tests: all that a client says, and all that it is told. Gives the number of requests, too.
///
/// # Errors
/// The process has no file descriptors left.
pub fn talk(said: &[u8], launch: Launch) -> io::Result<(usize, Vec<u8>)> {
    let (sender, requests) = channel();
    let all = messages(said);
    let count = all.len();
    all.into_iter().for_each(|message| sender.send(message).expect("somebody listens"));
    drop(sender);
    let mut told = Vec::new();
    Session::new(&mut told, Control::new()?, launch).answer_all(&requests)?;
    Ok((count, told))
}

/// For tests: messages, up to the first that is none.
pub fn messages(mut bytes: &[u8]) -> Vec<Value> {
    std::iter::from_fn(|| receive(&mut bytes).ok().flatten()).collect()
}

fn serve(from: impl BufRead + Send + 'static, to: impl Write, launch: Launch) -> Result<u8, Failure> {
    let control = Control::new().map_err(|error| Failure::host(reason(&error)))?;
    let (sender, requests) = channel();
    let failed = read_requests(from, sender, &control).map_err(|error| Failure::host(reason(&error)))?;
    let mut session = Session::new(to, control, launch);
    match session.answer_all(&requests) {
        Err(error) if !is_gone(&error) => {
            return Err(Failure::host(format!("the client cannot be told: {}", reason(&error))));
        }
        _ => {}
    }
    match failed.get() {
        Some(why) if !session.is_over() => Err(Failure::host(format!("the client is not understood: {why}"))),
        _ => Ok(0),
    }
}
