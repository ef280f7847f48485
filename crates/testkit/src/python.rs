//! The Python tools that some tests run, as `scripts/setup` installs them.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// The path of a program in the tests' venv, such as `python` or `schemathesis`.
///
/// # Errors
/// When it is not installed.
pub fn python_tool(name: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin").join(name);
    ensure!(path.exists(), "{name} is not installed: run the tests with `make test`, or scripts/setup first");
    Ok(path)
}
