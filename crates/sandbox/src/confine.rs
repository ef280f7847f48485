//! What a child takes from itself before the first script: it can't get it back.

use std::{fs, io};

use rlimit::Resource;

use crate::limits::{MAX_INPUT, MAX_MEMORY};

/// Address space beside a script's memory: frames and the texts made of them, at most three copies at once, and the
/// allocator's own.
const HEADROOM: u64 = 4 * MAX_INPUT as u64;

/// Limits the process: address space, files, core dumps.
pub(crate) fn confine() -> io::Result<()> {
    let address_space = mapped()? + MAX_MEMORY as u64 + HEADROOM;
    Resource::AS.set(address_space, address_space)?;
    // A dump would hold the data of a customer.
    Resource::CORE.set(0, 0)?;
    // No file may grow; pipes are no files.
    Resource::FSIZE.set(0, 0)?;
    // When the machine is out of memory, a script goes before the server. Only a wish: not every system lets us.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// The address space that is mapped already, in bytes: `VmSize` of proc_pid_status(5). An allocator may have reserved
/// a lot of it, so that no fixed limit fits every binary.
fn mapped() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes =
        size.and_then(|size| size.trim().strip_suffix(" kB")).and_then(|size| size.parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| io::Error::other("the system doesn't say how large the process is"))? * 1024)
}
