//! What the figures were measured on.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::clock;

/// Writes of the disk measurement.
const WRITES: u32 = 200;

/// The machine and the commit, a line each.
pub fn describe(folder: &Path) -> Vec<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let disk = fdatasync_micros(folder)
        .map_or("unknown".to_owned(), |micros| format!("{micros:.0} µs for write and fdatasync of 4 KiB"));
    vec![
        format!("Machine: {cores} cores of {model}, Linux {}", kernel.trim()),
        format!("Disk: {disk}"),
        format!("Commit: {}", commit()),
        format!("Date: {}", domain::Timestamp::from_millis((clock::micros() / 1_000).cast_signed())),
    ]
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|status| !status.is_empty());
    let hash = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    if changed { format!("{hash}, with changes") } else { hash }
}

fn fdatasync_micros(folder: &Path) -> Option<f64> {
    let path = folder.join("bench-disk");
    let mut file = File::create(&path).ok()?;
    let started = clock::instant();
    for _ in 0..WRITES {
        file.write_all(&[0; 4096]).ok()?;
        file.sync_data().ok()?;
    }
    let micros = started.elapsed().as_micros() as f64 / f64::from(WRITES);
    // It is in the build folder: left behind it harms nobody.
    let _ = std::fs::remove_file(path);
    Some(micros)
}
