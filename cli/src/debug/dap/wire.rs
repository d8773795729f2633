//! Messages: a length, and JSON.

use crate::failure::reason;
use crate::signals::{Cause, Control};
use serde_json::Value;
use std::io::{self, BufRead, Read};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};

/// A message that is longer is none.
const MESSAGE_BYTES_MAX: usize = 1 << 24;

/// Reads a message; none at the end.
///
/// # Errors
/// The client is gone, or what it says is no message.
pub fn receive(from: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if from.by_ref().take(1 << 12).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" if length.is_some() => break,
            "" => {}
            header => {
                if let Some((name, value)) = header.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse::<usize>().ok().filter(|&bytes| bytes <= MESSAGE_BYTES_MAX);
                    if length.is_none() {
                        return Err(io::Error::other("a message has no length that could be"));
                    }
                }
            }
        }
    }
    let mut bytes = vec![0; length.unwrap_or_default()];
    from.read_exact(&mut bytes)?;
    serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
}

/// Whether a client has ended the conversation.
pub fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

/// Reads requests on a thread of its own, up to the end of the conversation; what ends one that is under way has its effect at once. Gives where it
/// stands what could not be understood.
///
/// # Errors
/// The system has no more threads.
pub fn read_requests(
    mut from: impl BufRead + Send + 'static,
    sender: Sender<Value>,
    control: &Arc<Control>,
) -> io::Result<Arc<OnceLock<String>>> {
    let failed = Arc::new(OnceLock::new());
    let (ends, why) = (Arc::clone(control), Arc::clone(&failed));
    let reader = move || {
        loop {
            match receive(&mut from) {
                Ok(Some(message)) => {
                    if matches!(message["command"].as_str(), Some("pause" | "disconnect" | "terminate")) {
                        ends.stop(Cause::Interrupt);
                    }
                    if sender.send(message).is_err() {
                        return;
                    }
                }
                Err(error) if !is_gone(&error) => {
                    // There is one that fails.
                    let _ = why.set(reason(&error));
                    return;
                }
                _ => return,
            }
        }
    };
    std::thread::Builder::new().name("rum-client".to_owned()).spawn(reader)?;
    Ok(failed)
}
