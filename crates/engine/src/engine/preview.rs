//! Trying a request, by what is saved or by what someone wants to save.

use std::sync::Arc;

use domain::incoming::IncomingSettings;
use store::commit::{RequestRow, Writes};

use super::{Engine, RunError};
use crate::command::{Command, Executed};
use crate::mapping::RecordTrace;
use crate::rerun::Rerun;

/// What running a request would come to.
#[derive(Debug)]
pub struct Previewed {
    /// What would become of it.
    pub executed: Executed,
    /// What would be written.
    pub writes: Writes,
    /// What would become of each record before any action.
    pub records: Vec<RecordTrace>,
}

impl Engine {
    /// What running a request would come to, and what it would write. Nothing is changed. With `draft`, its webhook is as these
    /// settings say.
    ///
    /// # Errors
    /// Those of the database, or the webhook's script could not be run now.
    pub async fn preview(
        &self,
        row: RequestRow,
        draft: Option<IncomingSettings>,
    ) -> Result<Previewed, RunError> {
        let snapshot = self.core.snapshot();
        let saved = snapshot.incoming.get(&row.webhook_id);
        let draft = draft.zip(saved).map(|(settings, saved)| Arc::new(saved.with(settings, &snapshot)));
        let rerun = self.core.prepared(Rerun { draft, ..Rerun::all(row) }).await?;
        let records = rerun.admit(&snapshot).map(|accepted| accepted.traces()).unwrap_or_default();
        let (executed, writes) = self.rehearse(Command::Rerun(Box::new(rerun))).await?;
        Ok(Previewed { executed, writes, records })
    }
}
