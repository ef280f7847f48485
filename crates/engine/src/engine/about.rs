//! What the engine was started with, and how many there are.

use std::sync::atomic::Ordering;

use outbound::IpNet;

use super::{Engine, Retention};

impl Engine {
    /// Whether several nodes may serve the database.
    pub fn is_shared(&self) -> bool {
        self.core.store.is_shared()
    }

    /// How many nodes serve the database, as far as this one knows.
    pub fn nodes(&self) -> u32 {
        self.core.nodes.load(Ordering::Relaxed)
    }

    /// How much of the logs is kept.
    pub fn log_retention(&self) -> Retention {
        self.core.log_retention
    }

    /// Networks that deliveries may go to although they are not public.
    pub fn allowed_private(&self) -> &[IpNet] {
        &self.allow_private
    }
}
