//! What the protocol asks of a debugger.

use crate::debug::commands;
use crate::debug::debugger::{Debugger, Failed};
use crate::debug::stops::What;
use rum::isa::Instruction;
use serde_json::{Map, Value, json};

/// What the protocol asks of a debugger.
impl Debugger {
    /// Sets one stop for each of some wishes, by how they name the word; a wish that cannot be met says why.
    fn set(
        &mut self,
        group: &str,
        wanted: &[Value],
        what: impl Fn(&mut Debugger, &Value) -> Result<What, Failed>,
    ) -> Vec<Value> {
        self.remove(|stop| stop.group == group);
        let each = |wish: &Value| {
            let made = what(self, wish).and_then(|what| {
                let text = wish["condition"].as_str().filter(|text| !text.trim().is_empty());
                let condition = text.map(|text| self.expr(text).map(|expr| (expr, text.to_owned()))).transpose()?;
                Ok((self.add_to(group, what.clone(), condition, false), what))
            });
            match made {
                Ok((id, What::Pc(pc))) => {
                    let line = self.places().line(pc).map(|(_, line)| line);
                    let mut body = json!({ "id": id, "verified": true, "instructionReference": format!("{pc:#x}") });
                    if let Some(line) = line {
                        body["line"] = json!(line);
                    }
                    body
                }
                Ok((id, _)) => json!({ "id": id, "verified": true }),
                Err(why) => json!({ "verified": false, "message": why.to_string() }),
            }
        };
        wanted.iter().map(each).collect()
    }

    pub fn set_lines(&mut self, file: &str, wanted: &[Value]) -> Vec<Value> {
        let name = file.rsplit('/').next().unwrap_or(file).to_owned();
        self.set(&format!("lines of {name}"), wanted, |debugger, wish| {
            let line = wish["line"].as_u64().unwrap_or_default();
            commands::pc_of(debugger, &format!("{name}:{line}")).map(What::Pc)
        })
    }

    pub fn set_words(&mut self, key: &str, wanted: &[Value]) -> Vec<Value> {
        self.set(key, wanted, |debugger, wish| {
            let text = wish[key].as_str().unwrap_or_default().to_owned();
            let offset = wish["offset"].as_i64().unwrap_or_default();
            let pc = commands::pc_of(debugger, &text)?;
            let pc = i32::try_from(offset / 4).ok().and_then(|words| pc.checked_add_signed(words));
            Ok(What::Pc(pc.ok_or("there is no such word")?))
        })
    }

    pub fn set_data(&mut self, wanted: &[Value]) -> Vec<Value> {
        self.set("data", wanted, |debugger, wish| {
            let id = wish["dataId"].as_str().unwrap_or_default().to_owned();
            commands::watched(debugger, &id)
        })
    }

    /// The procedures that were called, the last one first.
    pub fn frames(&mut self, arguments: &Map<String, Value>) -> Result<Value, Failed> {
        let places = self.places();
        let name = |pc: u32| match places.label_before(pc) {
            Some((label, _)) => label.to_owned(),
            None => format!("pc {pc}"),
        };
        // Where calls cannot be told there is one procedure: where it is.
        let pc = self.machine().pc();
        let entries = self
            .call_stack()
            .map_or_else(|_| vec![(pc, pc)], |calls| calls.into_iter().map(|(at, call)| (at, call.pc)).collect());
        let mut frames = Vec::new();
        for (id, (at, entry)) in entries.into_iter().enumerate() {
            let mut frame = json!({
                "id": id, "name": name(entry), "line": 0, "column": 0, "instructionPointerReference": format!("{at:#x}"),
            });
            if let Some((file, line)) = places.line(at) {
                let path = self.source_path(file);
                frame["line"] = json!(line);
                frame["source"] = json!({ "name": file.rsplit('/').next(), "path": path });
            }
            frames.push(frame);
        }
        let number = |name: &str| arguments.get(name).and_then(Value::as_u64).unwrap_or_default() as usize;
        let (start, levels, total) = (number("startFrame"), number("levels"), frames.len());
        let levels = if levels == 0 { total } else { levels };
        let frames: Vec<Value> = frames.into_iter().skip(start).take(levels).collect();
        Ok(json!({ "stackFrames": frames, "totalFrames": total }))
    }

    /// Where a source is: as it was named when it was assembled, or beside the image.
    fn source_path(&self, file: &str) -> String {
        let beside = std::path::Path::new(&self.name).parent().map(|folder| folder.join(file));
        let path = beside.filter(|path| path.exists()).unwrap_or_else(|| file.into());
        std::fs::canonicalize(&path).unwrap_or(path).display().to_string()
    }

    pub fn disassembled(&mut self, arguments: &Map<String, Value>) -> Result<Vec<Value>, Failed> {
        let reference = arguments.get("memoryReference").and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| arguments.get(name).and_then(Value::as_i64).unwrap_or_default();
        let start = i64::from(commands::pc_of(self, &reference)?)
            .saturating_add(number("offset") / 4)
            .saturating_add(number("instructionOffset"));
        let places = self.places();
        let program = self.machine().segment(0).unwrap_or_default();
        let line = |at: i64| {
            let word = usize::try_from(at).ok().and_then(|at| program.get(at)).copied();
            let text = word.map_or_else(|| "(no word)".to_owned(), |word| Instruction::decode(word).to_string());
            let mut body = json!({ "address": format!("{:#x}", at.max(0)), "instruction": text });
            if let Some(word) = word {
                body["instructionBytes"] = json!(format!("{word:08x}"));
            } else {
                body["presentationHint"] = json!("invalid");
            }
            if let Some(label) = u32::try_from(at).ok().and_then(|at| places.label(at)) {
                body["symbol"] = json!(label);
            }
            body
        };
        let end = start.saturating_add(number("instructionCount").clamp(0, 1 << 16));
        Ok((start..end).map(line).collect())
    }

    /// Bytes of segment 0, big-endian as in an image.
    pub fn memory(&mut self, arguments: &Map<String, Value>) -> Result<Value, Failed> {
        let reference = arguments.get("memoryReference").and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| arguments.get(name).and_then(Value::as_i64).unwrap_or_default();
        let at = (i64::from(commands::pc_of(self, &reference)?) * 4).saturating_add(number("offset"));
        let bytes: Vec<u8> =
            self.machine().segment(0).unwrap_or_default().iter().flat_map(|word| word.to_be_bytes()).collect();
        let start = usize::try_from(at).map_err(|_| "that is before the program")?.min(bytes.len());
        let count = usize::try_from(number("count")).unwrap_or(0);
        let end = start.saturating_add(count).min(bytes.len());
        let unreadable = count - (end - start);
        let address = format!("{:#x}", at / 4);
        Ok(json!({ "address": address, "data": base64(&bytes[start..end]), "unreadableBytes": unreadable }))
    }
}

/// Bytes as text of 64 characters, which the protocol asks for.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let number = three.iter().enumerate().fold(0u32, |number, (i, &byte)| number | u32::from(byte) << (16 - 8 * i));
        (0..4)
            .map(
                move |i| if i > three.len() { '=' } else { char::from(DIGITS[(number >> (18 - 6 * i) & 63) as usize]) },
            )
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text() {
        let texts = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="], "as in RFC 4648");
    }
}
