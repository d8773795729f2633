//! A profile for the Firefox Profiler (profiler.firefox.com, which opens files): a sample for each stack, as heavy as what was counted there.

use super::model::Profile;
use fxprof_processed_profile as fx;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// The format that profiler.firefox.com and samply load.
///
/// # Errors
/// The sink's.
pub fn firefox(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    // What was counted has no time: an instruction takes a nanosecond here.
    let period = profile.period_ns.unwrap_or(1);
    let interval = fx::SamplingInterval::from_nanos(period);
    let mut whole =
        fx::Profile::new(&profile.image, fx::ReferenceTimestamp::from_system_time(SystemTime::UNIX_EPOCH), interval);
    let start = fx::Timestamp::from_nanos_since_reference(0);
    let process = whole.add_process(&profile.image, std::process::id(), start);
    let thread = whole.add_thread(process, std::process::id(), start, true);
    whole.set_thread_name(thread, profile.unit);
    let mut now = 0;
    for (names, count) in &profile.stacks {
        let frames: Vec<fx::FrameInfo> = names
            .iter()
            .map(|name| fx::FrameInfo {
                frame: fx::Frame::Label(whole.intern_string(name)),
                category_pair: fx::CategoryHandle::OTHER.into(),
                flags: fx::FrameFlags::empty(),
            })
            .collect();
        let stack = whole.intern_stack_frames(thread, frames.into_iter());
        // A weight has 31 bits.
        let mut left = *count;
        while left > 0 {
            let weight = left.min(i32::MAX as u64);
            let time = fx::Timestamp::from_nanos_since_reference(now);
            let spent = fx::CpuDelta::from(Duration::from_nanos(weight * period));
            whole.add_sample(thread, time, stack, spent, weight as i32);
            now += weight * period;
            left -= weight;
        }
    }
    serde_json::to_writer(&mut *out, &whole)?;
    writeln!(out)
}
