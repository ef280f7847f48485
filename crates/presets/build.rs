//! Makes a list of the files in `senders`, so that adding a sender is adding a file.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo runs this")?);
    let folder = root.join("senders");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut list = String::from("const FILES: &[&str] = &[\n");
    for file in &files {
        writeln!(list, "    include_str!({:?}),", file.display().to_string())?;
    }
    list.push_str("];\n");
    let out = env::var_os("OUT_DIR").ok_or("cargo runs this")?;
    fs::write(Path::new(&out).join("files.rs"), list)?;
    Ok(())
}
