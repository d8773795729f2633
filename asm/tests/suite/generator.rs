//! Random sources that cover the grammar of the plain dialect, its odd corners included.

use crate::random::Random;

/// Writes one source after the other. Labels are numbered over all files of a program, since they are global.
pub struct Generator {
    random: Random,
    out: String,
    labels: usize,
    defined: usize,
}

impl Generator {
    pub fn new(seed: u64) -> Generator {
        let mut random = Random::new(seed);
        let labels = 1 + random.below(6);
        Generator { random, out: String::new(), labels, defined: 0 }
    }

    /// The next file of the program; the last one defines what is missing.
    pub fn file(&mut self, last: bool) -> Vec<u8> {
        self.out.clear();
        if !self.random.one_in(4) {
            self.directive_temps();
        }
        if !self.random.one_in(3) {
            self.out += ".zero r0\n";
        }
        for _ in 0..1 + self.random.below(12) {
            self.line();
        }
        if last {
            while self.defined < self.labels {
                self.label();
                self.separator();
            }
        }
        let mut bytes = std::mem::take(&mut self.out).into_bytes();
        if self.random.one_in(40) {
            bytes = bytes
                .into_iter()
                .flat_map(|byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] })
                .collect();
        }
        if self.random.one_in(60) {
            // Damage: mostly an error, now and then another program.
            let at = self.random.below(bytes.len());
            match self.random.below(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes[at] = self.random.next() as u8,
                _ => bytes.insert(at, b"\n;:\"'rm0 \r\\-+"[self.random.below(13)]),
            }
        }
        bytes
    }

    fn line(&mut self) {
        if self.defined < self.labels && self.random.one_in(3) {
            self.label();
        }
        match self.random.below(20) {
            0..=2 => self.directive(),
            3 => {}
            _ => self.instruction(),
        }
        self.separator();
    }

    fn separator(&mut self) {
        let random = &mut self.random;
        self.out += random.pick(&[
            "\n",
            "\n",
            "\n",
            "\n",
            "\n",
            ";",
            " ; ",
            " # it's \"so\n",
            "// r1 := \n",
            " ",
            "\t\n\x0c\n",
        ]);
        if self.out.ends_with(' ') && random.one_in(2) {
            self.out.push('\n');
        }
    }

    fn label(&mut self) {
        let name = label_name(self.defined);
        self.defined += 1;
        self.out += &name;
        self.out += self.random.pick(&[": ", ":", " :\n", ": "]);
    }

    fn reg(&mut self) {
        let reg = self.random.below(8);
        if self.random.one_in(50) {
            self.out += "r0";
        } else {
            self.out.push('r');
        }
        if self.random.one_in(3000) {
            self.out.push('8');
        }
        self.out += &reg.to_string();
    }

    fn number(&mut self) -> String {
        let random = &mut self.random;
        let value = match random.below(8) {
            0 => 0,
            1 => random.below(3) as u64,
            2 => (1 << 25) - 2 + random.below(4) as u64,
            3 => (1u64 << 32) - (1 << 25) - 2 + random.below(4) as u64,
            4 => (1u64 << 32) - 2 + random.below(4) as u64,
            5 => random.word().into(),
            6 => u64::from(random.word() >> random.below(32)),
            _ => random.below(300) as u64,
        };
        match random.below(8) {
            0 => format!("0x{value:x}"),
            1 => format!("0x{value:08X}"),
            2 => format!("0{value}"),
            3 if random.one_in(20) => format!("0x{value:040x}{value:08x}"),
            _ => value.to_string(),
        }
    }

    fn character(&mut self) {
        let random = &mut self.random;
        let text = random.pick(&[
            "'a'", "'\\n'", "'\\t'", "'\\\\'", "'\\''", "'\"'", "'\\0'", "'#'", "' '", "'\\\"'", "';'", "'\n'",
        ]);
        self.out += text;
    }

    fn constant(&mut self) {
        if self.random.one_in(5) {
            self.character();
            return;
        }
        if self.random.one_in(4) {
            self.out += self.random.pick(&["-", "- "]);
        }
        let number = self.number();
        self.out += &number;
    }

    fn unsigned(&mut self) {
        if self.random.one_in(6) {
            self.character();
        } else {
            let number = self.number();
            self.out += &number;
        }
    }

    fn label_use(&mut self) {
        let index = self.random.below(self.labels);
        self.out += &label_name(index);
    }

    fn operand(&mut self) {
        self.operand_to(0);
    }

    fn operand_to(&mut self, depth: usize) {
        match self.random.below(16) {
            0..=6 => self.reg(),
            7 | 8 => self.constant(),
            9 => {
                self.reg();
                self.out += " + ";
                self.unsigned();
            }
            10 => self.label_use(),
            11 => {
                self.label_use();
                self.out += self.random.pick(&[" + ", "-", " - ", "+"]);
                let small = self.random.below(60).to_string();
                if self.random.one_in(4) { self.character() } else { self.out += &small }
            }
            _ if depth < 3 => self.element_to(depth),
            _ => self.reg(),
        }
    }

    fn element_to(&mut self, depth: usize) {
        self.out += self.random.pick(&["m[", "m [ "]);
        self.reg();
        self.out += self.random.pick(&["][", "] [ "]);
        self.operand_to(depth + 1);
        self.out.push(']');
    }

    fn target(&mut self) {
        if self.random.one_in(3) { self.element_to(0) } else { self.reg() }
    }

    fn using(&mut self) {
        if self.random.one_in(4) {
            return;
        }
        self.out += " using ";
        self.reg_list();
    }

    fn reg_list(&mut self) {
        let count = if self.random.one_in(5) { 1 + self.random.below(3) } else { 4 + self.random.below(6) };
        for index in 0..count {
            if index > 0 {
                self.out += self.random.pick(&[", ", ","]);
            }
            self.reg();
        }
    }

    fn directive_temps(&mut self) {
        self.out += self.random.pick(&[".temps ", ".temp "]);
        if self.random.one_in(10) {
            self.out += "off";
        } else {
            self.reg_list();
        }
        self.out.push('\n');
    }

    fn string(&mut self) {
        self.out.push('"');
        for _ in 0..self.random.below(6) {
            let piece = self
                .random
                .pick(&["a", "Z", " ", "\\n", "\\t", "\\\\", "\\\"", "\\'", "'", "\\q", "#", "//", ";", "0", "\u{e9}"]);
            self.out += piece;
        }
        if self.random.one_in(50) {
            self.out.push('\n');
        }
        self.out.push('"');
    }

    fn directive(&mut self) {
        match self.random.below(9) {
            0 => {
                self.out += ".section ";
                let name = self.random.pick(&["init", "text", "data", "a", "b", "\"x\"", "halt", "r1", "3"]);
                self.out += name;
            }
            1 | 2 => {
                self.out += ".data ";
                if self.random.one_in(2) {
                    self.constant();
                } else {
                    self.label_use();
                    if self.random.one_in(2) {
                        self.out += self.random.pick(&[" - ", " + "]);
                        self.unsigned();
                    }
                }
            }
            3 => {
                self.out += ".space ";
                let count = self.random.below(30);
                self.out += self.random.pick(&["", "", "0", "00"]);
                self.out += &count.to_string();
            }
            4 => {
                self.out += ".string ";
                if self.random.one_in(12) {
                    self.out += self.random.pick(&["'x'", "hello", "12345", "r12", "goto", ":="]);
                } else {
                    self.string();
                }
            }
            5 => {
                self.out += ".zero ";
                if self.random.one_in(3) { self.out += "off" } else { self.reg() }
            }
            _ => self.directive_temps(),
        }
    }

    fn relation(&mut self) {
        self.out += self.random.pick(&[" == ", " != ", " <s ", " >s ", " <=s ", " >=s ", "==", "!="]);
    }

    fn condition(&mut self) {
        self.out += "if (";
        match self.random.below(6) {
            0 => {
                self.operand();
                self.relation();
                self.out += self.random.pick(&["0", "-0", "0x0", "00", "4294967296"]);
            }
            1 => {
                self.out += self.random.pick(&["0", "0x00"]);
                self.relation();
                self.operand();
            }
            _ => {
                self.operand();
                self.relation();
                self.operand();
            }
        }
        self.out += ") ";
    }

    fn instruction(&mut self) {
        match self.random.below(22) {
            0 => self.out += "halt",
            1 => {
                self.out += "output ";
                self.operand();
            }
            2 => {
                self.out += "output ";
                self.string();
            }
            3 => {
                self.out += self.random.pick(&["unmap m[", "inactivate m["]);
                self.reg();
                self.out.push(']');
            }
            4 | 5 => {
                self.out += self.random.pick(&["goto ", "goto ", "goto *"]);
                match self.random.below(4) {
                    0 => {
                        self.reg();
                        self.out += " in program m[";
                        self.reg();
                        self.out.push(']');
                    }
                    1 | 2 => {
                        self.operand();
                        self.out += " linking ";
                        self.reg();
                    }
                    _ => self.operand(),
                }
            }
            6..=8 => {
                self.condition();
                self.out += self.random.pick(&["goto ", "goto ", "goto *"]);
                if self.random.one_in(2) { self.label_use() } else { self.operand() }
            }
            9 | 10 => {
                self.condition();
                self.target();
                self.out += " := ";
                self.operand();
            }
            11 => {
                self.out += "push ";
                self.operand();
                self.out += " on stack ";
                self.reg();
            }
            12 => {
                self.out += "pop ";
                if self.random.one_in(2) {
                    self.target();
                    self.out += " off ";
                }
                self.out += "stack ";
                self.reg();
            }
            _ => self.assignment(),
        }
        self.using();
    }

    fn assignment(&mut self) {
        self.target();
        self.out += self.random.pick(&[" := ", ":="]);
        match self.random.below(12) {
            0..=2 => self.operand(),
            3 => {
                self.out += self.random.pick(&["-", "- ", "~"]);
                self.operand();
            }
            4 => self.out += "input()",
            5 => {
                self.out += self.random.pick(&["map segment (", "new segment ("]);
                if self.random.one_in(3) {
                    self.out += "string ";
                    self.string();
                } else {
                    self.operand();
                    self.out += " words";
                }
                self.out.push(')');
            }
            _ => {
                self.operand();
                let op = self.random.pick(&["+", "-", "*", "/", "nand", "&", "|", "xor", "mod"]);
                self.out += &format!(" {op} ");
                self.operand();
            }
        }
    }
}

fn label_name(index: usize) -> String {
    ["main", "L1", "_x", ".dot", "linking", "zero", "r", "rx1"][index].to_owned()
}
