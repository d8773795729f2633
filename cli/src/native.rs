//! Code of the processor that we run on, as text.

/// The instructions in some bytes, a line each, without addresses; empty where they cannot be read.
#[cfg(target_arch = "x86_64")]
pub fn instructions(code: &[u8]) -> Vec<String> {
    use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};
    let mut formatter = NasmFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    let line = |instruction| {
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        text
    };
    Decoder::new(64, code, DecoderOptions::NONE).iter().map(line).collect()
}

/// The instructions in some bytes, a line each, without addresses; empty where they cannot be read.
#[cfg(target_arch = "aarch64")]
pub fn instructions(code: &[u8]) -> Vec<String> {
    use yaxpeax_arch::{Decoder, U8Reader};
    let decoder = yaxpeax_arm::armv8::a64::InstDecoder::default();
    let line =
        |word: &[u8]| decoder.decode(&mut U8Reader::new(word)).map_or_else(|_| String::new(), |line| line.to_string());
    code.chunks(4).map(line).collect()
}

/// The instructions in some bytes: there is nobody to read them here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn instructions(_: &[u8]) -> Vec<String> {
    Vec::new()
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    #[test]
    fn code_is_readable() {
        assert_eq!(super::instructions(&[0x89, 0xd8, 0xc3]), ["mov eax, ebx", "ret"]);
    }
}
