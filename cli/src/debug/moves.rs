//! Steps, by instruction, by call and by line of the source, in both directions.

use super::debugger::{Debugger, Failed, Hit, Stopped};
use super::stops::What;
use rum::isa::Instruction;

impl Debugger {
    /// Executes so many instructions, or as many as there are before a stop.
    ///
    /// # Errors
    /// The machine cannot go on.
    pub fn step(&mut self, count: u64) -> Result<Stopped, Failed> {
        if count == 0 {
            return Ok(Stopped::There);
        }
        if count == 1 {
            if let Some(end) = self.line.is_at_end() {
                return Ok(Stopped::End(end.clone()));
            }
            return Ok(match self.pass()? {
                Some(hit) => self.stopped(hit, true)?,
                None => Stopped::There,
            });
        }
        let moment = self.line.now().saturating_add(count);
        self.go_on_to(moment)
    }

    /// Goes back by so many instructions.
    ///
    /// # Errors
    /// The machine cannot be taken back.
    pub fn step_back(&mut self, count: u64) -> Result<Stopped, Failed> {
        let first = self.line.first();
        if self.line.now() == first {
            return Ok(Stopped::Beginning);
        }
        self.line.goto(self.line.now().saturating_sub(count).max(first))?;
        Ok(Stopped::There)
    }

    /// Goes to a moment.
    ///
    /// # Errors
    /// It is before the beginning.
    pub fn goto(&mut self, moment: u64) -> Result<Stopped, Failed> {
        let hit = Hit::Paused(self.line.goto(moment)?);
        self.stopped(hit, true)
    }

    /// The word that the instruction at hand, if it is a call, returns to: one that a register names.
    fn returns_to(&self) -> Option<u32> {
        let Some(Instruction::LoadProgram { b, c }) = self.instruction() else { return None };
        let (registers, back) = (self.machine().registers(), self.machine().pc() + 1);
        let named = (0..8).any(|reg| registers[reg] == back && reg != c.index());
        (registers[b.index()] == 0 && named && registers[c.index()] != back).then_some(back)
    }

    /// As one step, but a call with all that it leads to.
    ///
    /// # Errors
    /// The machine cannot go on.
    pub fn next(&mut self) -> Result<Stopped, Failed> {
        match self.returns_to() {
            Some(back) => self.until_return(back, 0),
            None => self.step(1),
        }
    }

    /// Where the next instruction comes from in the sources.
    fn source_line(&mut self) -> Option<(String, u32)> {
        let (places, pc) = (self.places(), self.machine().pc());
        places.line(pc).map(|(file, line)| (file.to_owned(), line))
    }

    /// Goes on to another line of the sources, into calls or over them; by one instruction where no line is known.
    ///
    /// # Errors
    /// The machine cannot go on.
    pub fn line(&mut self, over_calls: bool) -> Result<Stopped, Failed> {
        let line = self.source_line();
        let mut steps = 0u32;
        loop {
            steps += 1;
            if steps.is_multiple_of(1 << 12) && self.line.breathe()? {
                return Ok(Stopped::Interrupted);
            }
            let stopped = if over_calls { self.next()? } else { self.step(1)? };
            if !matches!(stopped, Stopped::There) || line.is_none() || self.source_line() != line {
                return Ok(stopped);
            }
            if !self.stops_here().is_empty() {
                return Ok(Stopped::At(self.stops_here()));
            }
        }
    }

    /// Goes back to the beginning of the line of the sources before this one.
    ///
    /// # Errors
    /// The machine cannot be taken back.
    pub fn line_back(&mut self) -> Result<Stopped, Failed> {
        let here = self.source_line();
        let mut stopped = self.next_back()?;
        while matches!(stopped, Stopped::There) && here.is_some() && self.source_line() == here {
            stopped = self.next_back()?;
        }
        let line = self.source_line();
        while matches!(stopped, Stopped::There) && line.is_some() {
            let now = self.line.now();
            if !matches!(self.step_back(1)?, Stopped::There) || self.source_line() != line {
                self.line.goto(now)?;
                break;
            }
        }
        Ok(stopped)
    }

    /// Goes on until a call returns to `back`, and not one that it leads to, where so many calls of the kind are under way.
    fn until_return(&mut self, back: u32, mut depth: u32) -> Result<Stopped, Failed> {
        let site = back.wrapping_sub(1);
        let at_back = self.add(What::Pc(back), None, false);
        let at_site = self.add(What::Pc(site), None, false);
        let stopped = loop {
            depth += u32::from(self.machine().pc() == site && self.returns_to() == Some(back));
            match self.go_on() {
                Ok(Stopped::At(ids)) if ids.iter().all(|&id| id == at_back || id == at_site) => {
                    if ids.contains(&at_back) {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            break Ok(Stopped::There);
                        }
                    }
                }
                Ok(Stopped::At(ids)) => {
                    break Ok(Stopped::At(ids.into_iter().filter(|&id| id != at_back && id != at_site).collect()));
                }
                other => break other,
            }
        };
        self.remove(|stop| stop.id == at_back || stop.id == at_site);
        stopped
    }

    /// Goes on until the procedure at hand returns.
    ///
    /// # Errors
    /// Nothing was called, or the machine cannot go on.
    pub fn finish(&mut self) -> Result<Stopped, Failed> {
        let calls = self.line.calls()?;
        match calls.last() {
            Some(call) if call.back != u32::MAX => self.until_return(call.back, 1),
            _ => Err("nothing was called that could return".into()),
        }
    }

    /// Goes back to before the call of the procedure at hand.
    ///
    /// # Errors
    /// Nothing was called.
    pub fn finish_back(&mut self) -> Result<Stopped, Failed> {
        let calls = self.line.calls()?;
        match calls.last() {
            Some(call) if call.back != u32::MAX => self.goto(call.entered.saturating_sub(1).max(self.line.first())),
            _ => Err("nothing was called that one could go back to".into()),
        }
    }

    /// Goes back by one instruction, or before the call that has just returned.
    ///
    /// # Errors
    /// The machine cannot be taken back.
    pub fn next_back(&mut self) -> Result<Stopped, Failed> {
        let (now, pc) = (self.line.now(), self.machine().pc());
        let stopped = self.step_back(1)?;
        if !matches!(stopped, Stopped::There) || self.machine().pc().wrapping_add(1) == pc {
            return Ok(stopped);
        }
        // A jump led here: if it was a return, the call stands before this word, and is the last thing on the stack there.
        let calls = self.line.calls().unwrap_or_default();
        match calls.last() {
            Some(call) if call.back == pc => self.goto(call.entered.saturating_sub(1).max(self.line.first())),
            _ => self.goto(now - 1),
        }
    }
}
