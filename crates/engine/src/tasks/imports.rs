//! Files of subscribers that are taken in.

use store::StoreError;
use store::imports::ImportBody;
use store::tasks::{Advance, RUNNING, TaskRow};

use super::Running;
use crate::command::{Command, Executed};
use crate::imports::{CHUNK, ImportSettings, Lines, Piece, Table};
use crate::item::{Done, Item};

impl Running<'_> {
    /// All of it, from where the task stands.
    pub(super) async fn import_subscribers(
        &self,
        settings: &ImportSettings,
    ) -> Result<Option<TaskRow>, StoreError> {
        let body = self.core.store.read(ImportBody { task_id: self.task.id.clone() }).await?;
        let Some(body) = body else { return self.give_up("the file is not kept any more").await };
        let table = match Table::open(&body, Some(settings.delimiter)) {
            Ok(table) => table,
            Err(error) => return self.give_up(&error.to_string()).await,
        };
        let mut lines = Lines::of(&table, settings);
        let mut task = self.task.clone();
        // What was taken in is read again: a later row may have the same address.
        lines.by_ref().take(usize::try_from(task.done).unwrap_or(usize::MAX)).for_each(drop);
        while task.state == RUNNING && !self.core.is_stopping() {
            let lines: Vec<_> = lines.by_ref().take(CHUNK).collect();
            let is_last = lines.len() < CHUNK;
            let progress = Some((task.clone(), self.core.node.clone(), is_last));
            let piece = Piece { lines, update_existing: settings.update_existing, progress };
            let command = Command::Import(Box::new(piece));
            let done = match self.core.commit(vec![Item::Command(Box::new(command))].into()).await {
                Err(StoreError::Conflict) if !self.is_held(&task).await? => return Ok(None),
                outcome => outcome?,
            };
            task = after(done)?;
        }
        Ok(Some(task))
    }

    /// Whether the task is still this node's, and not cancelled.
    async fn is_held(&self, task: &TaskRow) -> Result<bool, StoreError> {
        self.core.store.write(Advance { task: task.clone(), node: self.core.node.clone() }).await
    }
}

/// The task behind a piece.
fn after(done: Vec<Done>) -> Result<TaskRow, StoreError> {
    match done.into_iter().next() {
        Some(Done::Executed(executed)) => match *executed {
            Executed::Imported(_, Some(task)) => Ok(task),
            _ => Err(StoreError::Defect),
        },
        _ => Err(StoreError::Defect),
    }
}
