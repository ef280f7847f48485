//! The presets that come with the program.

use std::sync::LazyLock;

use crate::preset::Preset;

// The files of the folder `senders`, by name.
include!(concat!(env!("OUT_DIR"), "/files.rs"));

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| FILES.iter().map(|text| read(text)).collect());

#[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads them all")]
fn read(text: &str) -> Preset {
    Preset::parse(text).expect("a preset of the program is usable")
}

/// All presets, by id.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset with this id.
pub fn find(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id)
}

#[cfg(test)]
#[path = "senders_tests.rs"]
mod tests;
