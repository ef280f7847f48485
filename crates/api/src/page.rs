//! Lists in pages: `?limit=&cursor=` in, `{"data", "next_cursor"}` out, newest first.
//!
//! A cursor is the last entry's place in the order, opaque to clients: so a page never repeats or skips what did not
//! change, however much is added meanwhile.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::log::FieldError;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use store::Slice;
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::extract::Query;
use crate::problem::{Code, Problem};

/// Entries on a page if the caller does not say.
const DEFAULT_LIMIT: usize = 50;

/// The parameters of every list. Handlers take a [`Paging`]; this is for `params(…)` in their description.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many entries to return.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// Where the page before ended: its `next_cursor`.
    #[param(max_length = 500)]
    cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Debug)]
pub struct Paging {
    limit: usize,
    after: Option<String>,
}

impl FromRequestParts<Api> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Query(PageParams { limit, cursor }) = Query::from_request_parts(parts, api).await?;
        let after = cursor.map(|cursor| decode(&cursor).ok_or_else(not_a_cursor)).transpose()?;
        Ok(Self { limit: limit.unwrap_or(DEFAULT_LIMIT), after })
    }
}

impl Paging {
    /// How many entries to load: one more than the page has, to know whether there are more.
    pub fn load(&self) -> usize {
        self.limit + 1
    }

    /// How many entries the page has at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Behind which entry the page begins: the key that [`Page::new`] was given for it.
    ///
    /// # Errors
    /// If it is not a key of this list.
    pub fn after<K: FromStr>(&self) -> Result<Option<K>, Problem> {
        let key = |text: &String| text.parse().map_err(|_| not_a_cursor());
        self.after.as_ref().map(key).transpose()
    }
}

fn not_a_cursor() -> Problem {
    let message = "must be the next_cursor of this list, unchanged".to_owned();
    Problem::with_errors(Code::InvalidQuery, vec![FieldError { field: "cursor".to_owned(), message }])
}

/// The cursor of a place in the order.
pub fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

fn decode(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The entries, newest first.
    pub data: Vec<T>,
    /// For the page behind this one; `null` on the last.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page, from up to [`Paging::load`] entries; `key` is an entry's place in the order.
    pub fn new(mut entries: Vec<T>, paging: &Paging, key: impl Fn(&T) -> String) -> Self {
        let more = entries.len() > paging.limit;
        entries.truncate(paging.limit);
        Self::of(Slice { entries, more }, key)
    }

    /// The page of what the store has made one.
    pub fn of(slice: Slice<T>, key: impl Fn(&T) -> String) -> Self {
        let last = slice.entries.last().filter(|_| slice.more);
        Self { next_cursor: last.map(|last| cursor(&key(last))), data: slice.entries }
    }

    /// The same page of what each entry shows.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_leads_behind_the_last_entry() {
        let paging = Paging { limit: 2, after: None };
        let page = Page::new(vec![9, 8, 7], &paging, i32::to_string);
        assert_eq!(page.data, [9, 8]);
        let after = decode(&page.next_cursor.unwrap());
        let next = Paging { limit: 2, after };
        assert_eq!(next.after::<i32>().unwrap(), Some(8));
        let page = Page::new(vec![7, 6], &next, i32::to_string);
        assert_eq!((page.data, page.next_cursor), (vec![7, 6], None));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let paging = Paging { limit: 2, after: Some("evt_1".to_owned()) };
        assert_eq!(paging.after::<i32>().unwrap_err().code(), Code::InvalidQuery);
        assert_eq!(decode("é"), None);
    }
}
