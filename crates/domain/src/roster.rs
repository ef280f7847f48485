//! The subscribers that a batch touches: as they were loaded, and as they are after each change. Most stay as they are, so
//! both are shared until one is changed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::email::Email;
use crate::id::SubscriberId;
use crate::subscriber::Subscriber;

/// The working copy of a batch. A write at the end takes only what differs from what was loaded.
#[derive(Default)]
pub struct Roster {
    entries: HashMap<SubscriberId, Entry>,
    by_email: HashMap<Email, SubscriberId>,
    free_ids: Vec<SubscriberId>,
}

struct Entry {
    loaded: Option<Arc<Subscriber>>,
    current: Option<Arc<Subscriber>>,
}

/// One subscriber that a batch changed: `None` before if new, `None` after if deleted.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// As it was loaded.
    pub before: Option<Subscriber>,
    /// As it is to be written.
    pub after: Option<Subscriber>,
}

impl Entry {
    fn differs(&self) -> bool {
        match (&self.loaded, &self.current) {
            (Some(loaded), Some(current)) => !Arc::ptr_eq(loaded, current) && loaded != current,
            (loaded, current) => loaded.is_some() != current.is_some(),
        }
    }
}

impl Roster {
    /// Starts from what is stored, with ids reserved for those who will be new.
    pub fn new(loaded: Vec<Subscriber>, free_ids: Vec<SubscriberId>) -> Self {
        let mut roster = Self { free_ids, ..Self::default() };
        for subscriber in loaded {
            let subscriber = Arc::new(subscriber);
            roster.by_email.insert(subscriber.email.clone(), subscriber.id);
            let current = Some(subscriber.clone());
            roster.entries.insert(subscriber.id, Entry { loaded: Some(subscriber), current });
        }
        roster
    }

    /// The subscriber of this email.
    pub fn find(&self, email: &Email) -> Option<&Arc<Subscriber>> {
        self.get(*self.by_email.get(email)?)
    }

    /// The subscriber of this id.
    pub fn get(&self, id: SubscriberId) -> Option<&Arc<Subscriber>> {
        self.entries.get(&id)?.current.as_ref()
    }

    /// An id for a new subscriber; `None` if fewer were reserved than are needed, which the caller must treat as a reason to
    /// load again with more.
    pub fn take_id(&mut self) -> Option<SubscriberId> {
        self.free_ids.pop()
    }

    /// Sets a subscriber, new or changed.
    pub fn put(&mut self, subscriber: impl Into<Arc<Subscriber>>) {
        let subscriber = subscriber.into();
        let entry = self.entries.entry(subscriber.id).or_insert(Entry { loaded: None, current: None });
        if let Some(old) = entry.current.as_ref().filter(|old| old.email != subscriber.email) {
            self.by_email.remove(&old.email);
        }
        self.by_email.insert(subscriber.email.clone(), subscriber.id);
        entry.current = Some(subscriber);
    }

    /// Deletes a subscriber and returns the last state.
    pub fn remove(&mut self, id: SubscriberId) -> Option<Arc<Subscriber>> {
        let gone = self.entries.get_mut(&id)?.current.take()?;
        self.by_email.remove(&gone.email);
        Some(gone)
    }

    /// What is to be written, in the order of the emails: all who write keep that order, so that no two wait for each other.
    pub fn into_changes(self) -> Vec<Changed> {
        let mut changes: Vec<Changed> = self
            .entries
            .into_values()
            .filter(Entry::differs)
            .map(|entry| Changed {
                before: entry.loaded.map(Arc::unwrap_or_clone),
                after: entry.current.map(Arc::unwrap_or_clone),
            })
            .collect();
        changes.sort_by(|a, b| a.email().cmp(&b.email()));
        changes
    }
}

impl Changed {
    fn email(&self) -> Option<&Email> {
        self.after.as_ref().or(self.before.as_ref()).map(|subscriber| &subscriber.email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::Status;
    use crate::time::Timestamp;

    fn subscriber(id: i64, email: &str) -> Subscriber {
        Subscriber::new(
            SubscriberId(id),
            email.parse().unwrap(),
            Status::Subscribed,
            Timestamp::from_millis(0),
        )
    }

    #[test]
    fn only_differences_are_written_in_email_order() {
        let mut roster = Roster::new(
            vec![subscriber(1, "z@x.org"), subscriber(2, "m@x.org"), subscriber(3, "b@x.org")],
            vec![SubscriberId(9)],
        );
        let id = roster.take_id().unwrap();
        assert_eq!(roster.take_id(), None);
        roster.put(subscriber(id.0, "a@x.org"));
        roster.put(subscriber(3, "b@x.org"));
        roster.remove(SubscriberId(1));
        let mut moved = subscriber(2, "m@x.org");
        moved.email = "n@x.org".parse().unwrap();
        roster.put(moved);
        assert!(roster.find(&"m@x.org".parse().unwrap()).is_none());
        assert!(roster.find(&"z@x.org".parse().unwrap()).is_none());
        let changes = roster.into_changes();
        let emails: Vec<&str> = changes.iter().map(|change| change.email().unwrap().as_str()).collect();
        assert_eq!(emails, ["a@x.org", "n@x.org", "z@x.org"]);
    }
}
