//! Pages of what is in the configuration in memory: newest first, and by id within a millisecond.

use std::cmp::Reverse;
use std::str::FromStr;

use domain::Timestamp;

use crate::page::{Page, Paging};
use crate::problem::Problem;

/// Something that was made at some time.
pub trait Recent {
    /// When.
    fn created_at(&self) -> Timestamp;
    /// Unique among its like.
    fn id(&self) -> &str;
}

/// A place in the order. Its text form is `milliseconds:id`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place(Timestamp, String);

impl Place {
    fn of(entry: &impl Recent) -> Self {
        Self(entry.created_at(), entry.id().to_owned())
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, id) = text.split_once(':').ok_or(())?;
        Ok(Self(Timestamp::from_millis(millis.parse().map_err(|_| ())?), id.to_owned()))
    }
}

/// The page of these entries, which may come in any order.
///
/// # Errors
/// If the cursor is not one of such a list.
pub fn page<'a, T: Recent>(
    entries: impl Iterator<Item = &'a T>,
    paging: &Paging,
) -> Result<Page<&'a T>, Problem> {
    let after: Option<Place> = paging.after()?;
    let behind = |entry: &&T| after.as_ref().is_none_or(|after| Place::of(*entry) < *after);
    let mut entries: Vec<&T> = entries.filter(behind).collect();
    entries.sort_by_cached_key(|entry| Reverse(Place::of(*entry)));
    entries.truncate(paging.load());
    Ok(Page::new(entries, paging, |entry| format!("{}:{}", entry.created_at().millis(), entry.id())))
}
