//! The ranges of addresses that a machine's segments lie in: as large as the system grants. A leaf.

use super::layout::GRANULE_BYTES;
use crate::reserve::{Backing, PAGE_BYTES, Reservation, round_to_pages};
use std::io;

/// Granules in the largest machine: every 32-bit identifier names one.
pub(crate) const GRANULES_MAX: u64 = 1 << 32;
/// Granules in the smallest machine worth having: 8 MiB.
pub(crate) const GRANULES_MIN: u64 = 1 << 20;
/// Room before granule 0 for the machine's state, so that compiled code reaches state and segments from one address.
pub(crate) const PREFIX_BYTES: usize = PAGE_BYTES;
/// Where in that room a table of few names starts: behind the poll word, and in front of the state.
pub(crate) const NAMES_IN_PREFIX: usize = 4096;

/// How much address space to reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSpace {
    /// As much as every 32-bit identifier needs, or what the system lets us have.
    Auto,
    /// A given number of granules (a power of two), reserved without access and committed as needed.
    Granules(u64),
}

/// The ranges of one machine.
pub(crate) struct Spaces {
    pub granules: u64,
    /// [`PREFIX_BYTES`], then the granules.
    pub data: Reservation,
    /// A length byte for each granule.
    pub lens: Reservation,
}

impl Spaces {
    /// Reserves what was asked for; `limit_bytes` is the most that the segments may take.
    ///
    /// # Errors
    /// The system does not even have room for the smallest machine.
    pub fn reserve(limit_bytes: u64, space: AddressSpace) -> io::Result<Spaces> {
        match space {
            AddressSpace::Granules(granules) => {
                Spaces::of(granules.next_power_of_two().clamp(GRANULES_MIN, GRANULES_MAX), Backing::OnCommit)
            }
            // All of it is memory there.
            AddressSpace::Auto if cfg!(miri) => Spaces::of(GRANULES_MIN, Backing::OnCommit),
            AddressSpace::Auto => Spaces::largest(limit_bytes),
        }
    }

    fn of(granules: u64, backing: Backing) -> io::Result<Spaces> {
        let count = usize::try_from(granules).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let data = Reservation::new(PREFIX_BYTES + count * GRANULE_BYTES, backing)?;
        // A length is read of whatever a program takes to be an identifier.
        let lens_backing = if backing == Backing::OnTouch { backing } else { Backing::OnWrite };
        let lens = Reservation::new(count, lens_backing)?;
        Ok(Spaces { granules, data, lens })
    }

    /// The largest layout that the system grants.
    fn largest(limit_bytes: u64) -> io::Result<Spaces> {
        let full = (!strict_overcommit()).then(|| Spaces::of(GRANULES_MAX, Backing::OnTouch));
        if let Some(Ok(spaces)) = full {
            return Ok(spaces);
        }
        let mut granules = (limit_bytes / 2).next_power_of_two().clamp(GRANULES_MIN, GRANULES_MAX / 2);
        loop {
            match Spaces::of(granules, Backing::OnCommit) {
                Err(_) if granules > GRANULES_MIN => granules /= 2,
                result => return result,
            }
        }
    }
}

/// Whether the system counts every accessible page as used (Linux, `vm.overcommit_memory = 2`).
pub fn strict_overcommit() -> bool {
    std::fs::read_to_string("/proc/sys/vm/overcommit_memory").is_ok_and(|mode| mode.trim() == "2")
}

const _: () = assert!(PAGE_BYTES.is_multiple_of(GRANULE_BYTES) && round_to_pages(1) == PAGE_BYTES);
