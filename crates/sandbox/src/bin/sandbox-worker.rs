//! A child by itself, for the tests of this crate: `sandbox-worker [FILE]` writes its process id to FILE first.

use std::{env, fs, io, process};

fn main() -> io::Result<()> {
    if let Some(file) = env::args_os().nth(1) {
        fs::write(file, process::id().to_string())?;
    }
    sandbox::worker::run()
}
