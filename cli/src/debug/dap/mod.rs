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
use self::wire::{is_gone, read_requests};
use crate::failure::{Failure, reason};
use crate::signals::Control;
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
