//! What debuggers are told of compiled code, by the interface that gdb and lldb have for that: a small ELF image for each piece, with a symbol.
//!
//! The interface: gdb's manual, "JIT Compilation Interface".

use super::jitdump::MACHINE;
use object::Endianness;
use object::elf;
use object::write::elf::{FileHeader, SectionHeader, Sym, Writer};
use rum::CodePlace;
use wasmtime_internal_jit_debug::gdb_jit_int::GdbJitImageRegistration;

/// The images that the debugger knows; it forgets them with this.
#[derive(Default)]
pub struct Images(Vec<GdbJitImageRegistration>);

impl Images {
    /// Adds a piece of code.
    pub fn add(&mut self, name: &str, place: &CodePlace) {
        // What cannot be written has no symbol.
        if let Ok(image) = image(name, place) {
            self.0.push(GdbJitImageRegistration::register(image));
        }
    }
}

/// An image that says where a piece of code is and what it is called; it does not hold the code.
fn image(name: &str, place: &CodePlace) -> object::write::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(Endianness::Little, true, &mut bytes);
    writer.reserve_file_header();
    writer.reserve_null_section_index();
    let text_name = writer.add_section_name(b".text");
    let text = writer.reserve_section_index();
    let symbol = writer.add_string(name.as_bytes());
    writer.reserve_null_symbol_index();
    writer.reserve_symbol_index(Some(text));
    writer.reserve_symtab_section_index();
    writer.reserve_strtab_section_index();
    writer.reserve_shstrtab_section_index();
    writer.reserve_symtab();
    writer.reserve_strtab();
    writer.reserve_shstrtab();
    writer.reserve_section_headers();

    let (e_type, e_machine) = (elf::ET_EXEC, MACHINE);
    writer.write_file_header(&FileHeader { os_abi: 0, abi_version: 0, e_type, e_machine, e_entry: 0, e_flags: 0 })?;
    writer.write_null_symbol();
    writer.write_symbol(&Sym {
        name: Some(symbol),
        section: Some(text),
        st_info: elf::STB_GLOBAL << 4 | elf::STT_FUNC,
        st_other: 0,
        st_shndx: 0,
        st_value: place.address as u64,
        st_size: place.bytes as u64,
    });
    writer.write_strtab();
    writer.write_shstrtab();
    writer.write_null_section_header();
    writer.write_section_header(&SectionHeader {
        name: Some(text_name),
        sh_type: elf::SHT_NOBITS,
        sh_flags: u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
        sh_addr: place.address as u64,
        sh_offset: 0,
        sh_size: place.bytes as u64,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 16,
        sh_entsize: 0,
    });
    writer.write_symtab_section_header(1);
    writer.write_strtab_section_header();
    writer.write_shstrtab_section_header();
    Ok(bytes)
}
