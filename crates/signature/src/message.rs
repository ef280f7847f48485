//! A request, as a scheme sees it.

use std::cell::OnceCell;

use http::HeaderMap;
use url::form_urlencoded;

/// A request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The whole URL that the sender was given, with its query: some senders sign it.
    pub url: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body as it was sent, before any decompression.
    pub body: &'a [u8],
}

/// A request and what was found out about it on the way; its body is parsed at most once, and only for who looks into
/// it.
pub struct Message<'a> {
    /// As it came in.
    pub request: Request<'a>,
    json: OnceCell<Option<serde_json::Value>>,
}

impl<'a> Message<'a> {
    /// Nothing is found out yet.
    pub fn new(request: Request<'a>) -> Self {
        Self { request, json: OnceCell::new() }
    }

    /// The body, if it is JSON.
    pub fn json(&self) -> Option<&serde_json::Value> {
        self.json.get_or_init(|| serde_json::from_slice(self.request.body).ok()).as_ref()
    }

    /// The first parameter `name` of the URL.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.request.url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        first(query.as_bytes(), name)
    }

    /// The first parameter `name` of a form in the body.
    pub fn form(&self, name: &str) -> Option<String> {
        first(self.request.body, name)
    }
}

fn first(pairs: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(pairs).find(|(key, _)| key == name).map(|(_, value)| value.into())
}
