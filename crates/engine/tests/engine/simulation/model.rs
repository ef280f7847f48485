//! What must come of the requests, told in the simplest way: one request after the other, in the order of the commits.

use std::collections::{BTreeMap, BTreeSet};

use super::orders::{Hook, Order, Record};

/// A subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub status: &'static str,
    pub name: Option<String>,
    pub tags: BTreeSet<&'static str>,
    pub is_on_list: bool,
}

/// An entry of the request log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub body: String,
    pub status: String,
    pub http_status: u16,
    /// The kind and the email of each event.
    pub events: Vec<(String, String)>,
}

/// What a sender is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub http_status: u16,
    pub is_duplicate: bool,
}

/// All that must be.
#[derive(Default)]
pub struct Model {
    pub people: BTreeMap<&'static str, Person>,
    pub log: Vec<Entry>,
    /// The answers to remember, by webhook and key.
    answered: BTreeMap<(Hook, String), u16>,
}

impl Model {
    /// A request is committed.
    pub fn commit(&mut self, order: &Order) -> Expected {
        let key = order.key.clone().map(|key| (order.hook, key));
        if let Some(http_status) = key.as_ref().and_then(|key| self.answered.get(key)) {
            return Expected { http_status: *http_status, is_duplicate: true };
        }
        let entry = self.act(order);
        let http_status = entry.http_status;
        self.log.push(entry);
        if let Some(key) = key.filter(|_| http_status < 300) {
            self.answered.insert(key, http_status);
        }
        Expected { http_status, is_duplicate: false }
    }

    fn act(&mut self, order: &Order) -> Entry {
        let mut events = Vec::new();
        let (mut people, mut no_email, mut other) = (0, 0, 0);
        for record in &order.records {
            match record {
                Record::NoEmail => no_email += 1,
                Record::OtherEvent => other += 1,
                Record::Person { email, name, status } => {
                    people += 1;
                    events.extend(self.act_on(order.hook, email, name, *status));
                }
            }
        }
        let processed = if order.hook == Hook::Broken { 0 } else { people };
        let failed = no_email > 0 || (order.hook == Hook::Broken && people > 0);
        let (status, http_status) = match (failed, processed) {
            (false, 0) if other > 0 => ("ignored", 200),
            (false, _) => ("processed", 200),
            (true, 0) if people == 0 => ("failed", 422),
            (true, 0) => ("failed", 202),
            (true, _) => ("failed", 200),
        };
        let body = String::from_utf8(order.body.to_vec()).unwrap();
        Entry { body, status: status.to_owned(), http_status, events }
    }

    fn act_on(
        &mut self,
        hook: Hook,
        email: &'static str,
        name: &str,
        wanted: Option<&'static str>,
    ) -> Vec<(String, String)> {
        let before = self.people.get(email).cloned();
        let after = match (hook, before.clone()) {
            (Hook::Signup | Hook::Broken, before) => Some(sign_up(hook, before, name, wanted)),
            (_, None) => None,
            (Hook::Profile, Some(mut person)) => {
                person.name = Some(name.to_owned());
                person.tags.insert("vip");
                person.tags.remove("web");
                Some(person)
            }
            (Hook::Leave, Some(mut person)) => {
                person.status = "unsubscribed";
                person.is_on_list = false;
                Some(person)
            }
        };
        let Some(after) = after else { return Vec::new() };
        let told = told(before.as_ref(), &after);
        self.people.insert(email, after);
        told.into_iter().map(|kind| (kind.to_owned(), email.to_owned())).collect()
    }
}

fn sign_up(hook: Hook, before: Option<Person>, name: &str, wanted: Option<&'static str>) -> Person {
    let mut person = before.unwrap_or_else(|| Person {
        status: wanted.unwrap_or("subscribed"),
        name: None,
        tags: BTreeSet::new(),
        is_on_list: false,
    });
    person.name = Some(name.to_owned());
    // What the data says brings nobody back.
    if let Some(wanted) = wanted.filter(|_| person.status != "unsubscribed") {
        person.status = wanted;
    }
    if hook == Hook::Signup {
        person.is_on_list = true;
        person.tags.insert("web");
    } else {
        person.tags.insert("half");
    }
    person
}

fn told(before: Option<&Person>, after: &Person) -> Vec<&'static str> {
    let mut told = Vec::new();
    let none = BTreeSet::new();
    let had = before.map_or(&none, |before| &before.tags);
    match before {
        None => told.push("subscriber_added"),
        Some(before) => {
            if before.name != after.name || before.is_on_list != after.is_on_list {
                told.push("subscriber_updated");
            }
            if before.status != after.status {
                told.push("subscriber_status_changed");
            }
        }
    }
    told.extend(after.tags.difference(had).map(|_| "subscriber_tagged"));
    told.extend(had.difference(&after.tags).map(|_| "subscriber_untagged"));
    told
}
