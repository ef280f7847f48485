//! The folder of the data: made with the first start, for its owner alone, used by one server at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use signature::MasterKey;

/// The environment variable that holds the master key instead of the file.
const MASTER_KEY_VARIABLE: &str = "CCSP_MASTER_KEY";
/// The file that holds the master key.
const MASTER_KEY_FILE: &str = "master.key";
/// The file that a server holds a lock on.
const LOCK_FILE: &str = "lock";

/// Makes the folder if there is none.
pub fn create(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("--data-dir {}: it can't be made", folder.display()))
}

/// Locks the folder until the returned file is dropped, or the process ends in whatever way.
pub fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK_FILE);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.with_context(|| format!("--data-dir {}: it can't be written", folder.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "--data-dir {}: another server uses it. Several servers need --database-url",
                folder.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{}: it can't be locked", path.display()))
        }
    }
}

/// The key that secrets are sealed with: from the environment, else from the file, which is made if there is none.
pub fn master_key(folder: &Path) -> anyhow::Result<MasterKey> {
    if let Ok(text) = std::env::var(MASTER_KEY_VARIABLE) {
        return MasterKey::parse(text.trim())
            .with_context(|| format!("{MASTER_KEY_VARIABLE} is not a master key"));
    }
    let path = folder.join(MASTER_KEY_FILE);
    let key = MasterKey::generate(&mut StdRng::from_seed(seed()?));
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
    match made {
        Ok(mut file) => {
            file.write_all(key.to_text().expose().as_bytes())?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{}: it can't be read", path.display()))?;
            MasterKey::parse(text.trim())
                .with_context(|| format!("{}: it does not hold a master key", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("{}: it can't be made", path.display())),
    }
}

/// The key that secrets are sealed with, if there is one already.
pub fn existing_master_key(folder: &Path) -> anyhow::Result<Option<MasterKey>> {
    if std::env::var_os(MASTER_KEY_VARIABLE).is_some() || folder.join(MASTER_KEY_FILE).exists() {
        return master_key(folder).map(Some);
    }
    Ok(None)
}

/// Randomness from the operating system: the only place that asks for it.
pub fn seed() -> anyhow::Result<[u8; 32]> {
    use rand::TryRng;
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed).context("the operating system gives no randomness")?;
    Ok(seed)
}
