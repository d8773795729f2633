//! The program `calc`: expressions of 32-bit two's complement numbers, one a line.

/// What the calculator prints for `input`.
pub(super) fn run(input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    for line in input.split(|&byte| byte == b'\n') {
        let mut parser = Parser { line, at: 0, depth: 0 };
        if parser.look().is_none() {
            continue;
        }
        let result = parser.expr().and_then(|value| match parser.look() {
            None => Ok(value),
            Some(_) => Err(parser.unexpected()),
        });
        match result {
            Ok(value) => output.extend_from_slice(value.to_string().as_bytes()),
            Err(message) => {
                output.extend_from_slice(b"error: ");
                output.extend_from_slice(&message);
            }
        }
        output.push(b'\n');
    }
    output
}

/// What is wrong with an expression, behind "error: ". Bytes, for it may quote any of the input.
type Message = Vec<u8>;

struct Parser<'a> {
    line: &'a [u8],
    at: usize,
    /// Open parentheses.
    depth: u32,
}

impl Parser<'_> {
    /// The next byte that is not blank, or `None` at the end of the line.
    fn look(&mut self) -> Option<u8> {
        while matches!(self.line.get(self.at), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.line.get(self.at).copied()
    }

    fn unexpected(&mut self) -> Message {
        match self.look() {
            None => b"unexpected end of line".to_vec(),
            Some(byte) => [b"unexpected '", &[byte][..], b"'"].concat(),
        }
    }

    fn expr(&mut self) -> Result<i32, Message> {
        let mut value = self.term()?;
        while let Some(operator @ (b'+' | b'-')) = self.look() {
            self.at += 1;
            let other = self.term()?;
            value = if operator == b'+' { value.wrapping_add(other) } else { value.wrapping_sub(other) };
        }
        Ok(value)
    }

    fn term(&mut self) -> Result<i32, Message> {
        let mut value = self.factor()?;
        while let Some(operator @ (b'*' | b'/')) = self.look() {
            self.at += 1;
            let other = self.factor()?;
            value = match (operator, other) {
                (b'*', other) => value.wrapping_mul(other),
                (_, 0) => return Err(b"division by zero".to_vec()),
                (_, other) => value.wrapping_div(other),
            };
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<i32, Message> {
        let mut negative = false;
        while self.look() == Some(b'-') {
            self.at += 1;
            negative = !negative;
        }
        let value = match self.look() {
            Some(b'(') => self.group()?,
            Some(b'0'..=b'9') => self.number(),
            _ => return Err(self.unexpected()),
        };
        Ok(if negative { value.wrapping_neg() } else { value })
    }

    fn group(&mut self) -> Result<i32, Message> {
        self.depth += 1;
        if self.depth > 1000 {
            return Err(b"nested too deeply".to_vec());
        }
        self.at += 1;
        let value = self.expr()?;
        if self.look() != Some(b')') {
            return Err(b"expected ')'".to_vec());
        }
        self.at += 1;
        self.depth -= 1;
        Ok(value)
    }

    fn number(&mut self) -> i32 {
        let mut value = 0i32;
        while let Some(digit @ b'0'..=b'9') = self.line.get(self.at) {
            value = value.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'));
            self.at += 1;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn deep_nesting_and_the_least_number() {
        let deep = |depth: usize| super::run(("(".repeat(depth) + "1" + &")".repeat(depth)).as_bytes());
        assert_eq!(deep(1000), b"1\n");
        assert_eq!(deep(1001), b"error: nested too deeply\n");
        assert_eq!(super::run(b"-2147483648 / -1"), b"-2147483648\n");
    }
}
