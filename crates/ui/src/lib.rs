//! The web page, as built from `web/`: its files, and how browsers are to treat them.
//!
//! Whatever is no file is answered with the page, which shows what belongs there. So an address that somebody kept works.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rust_embed::RustEmbed;

/// What a page may load and do: from here only, and no script within the page. Styles within it are what the components
/// place themselves with.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Names below this have a hash of what is in them, so they never change.
const HASHED: &str = "assets/";
const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
const PAGE: &str = "index.html";
/// The compressed forms that `web/scripts/compress.mjs` makes, the smaller one first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>CloudCusp Mailer</title>\
    <h1>The page was not built</h1><p>The server works, and so does its <a href=\"/docs\">API</a>. To have the page as well, \
    run <code>make web</code> and build the program again.</p></html>";

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Files;

/// What is answered to a GET of a path, such as `/outgoing/f6e5d4c3b2a1`, with these headers.
pub fn respond(path: &str, headers: &HeaderMap) -> Response<Cow<'static, [u8]>> {
    let name = path.trim_start_matches('/');
    // A hidden or compressed file is no address.
    let is_address = !name.split('/').any(|part| part.starts_with('.'))
        && !name.ends_with(".br")
        && !name.ends_with(".gz");
    if is_address && let Some(found) = file(name, headers) {
        return found;
    }
    if name.starts_with(HASHED) {
        return answer(
            StatusCode::NOT_FOUND,
            "text/plain",
            None,
            ASK_AGAIN,
            Cow::Borrowed(b"This file is gone: load the page again."),
        );
    }
    file(PAGE, headers).unwrap_or_else(|| {
        answer(
            StatusCode::OK,
            "text/html; charset=utf-8",
            None,
            ASK_AGAIN,
            Cow::Borrowed(NOT_BUILT.as_bytes()),
        )
    })
}

fn file(name: &str, headers: &HeaderMap) -> Option<Response<Cow<'static, [u8]>>> {
    let media_type = media_type(name)?;
    let caching = if name.starts_with(HASHED) { FOREVER } else { ASK_AGAIN };
    for (encoding, suffix) in ENCODINGS {
        if accepts(headers, encoding)
            && let Some(found) = Files::get(&format!("{name}{suffix}"))
        {
            return Some(answer(StatusCode::OK, media_type, Some(encoding), caching, found.data));
        }
    }
    Files::get(name).map(|found| answer(StatusCode::OK, media_type, None, caching, found.data))
}

fn answer(
    status: StatusCode,
    media_type: &'static str,
    encoding: Option<&'static str>,
    caching: &'static str,
    body: Cow<'static, [u8]>,
) -> Response<Cow<'static, [u8]>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Of the kinds of files that the page is built of; nothing else is served.
fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// Whether `Accept-Encoding` names this encoding and does not rule it out (RFC 9110, section 12.5.3).
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let is_refused = parts.filter_map(|part| part.strip_prefix("q=")).any(|q| q.parse() == Ok(0.0));
        is_named && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn an_encoding_is_taken_where_it_is_accepted() {
        for (value, is_accepted) in [
            ("br", true),
            ("gzip, BR;q=0.5", true),
            ("gzip", false),
            ("br;q=0", false),
            ("br; q=0.0", false),
            ("", false),
        ] {
            assert_eq!(accepts(&accepting(value), "br"), is_accepted, "{value}");
        }
    }

    #[test]
    fn whatever_is_no_file_is_the_page() {
        for path in
            ["/", "/outgoing/f6e5d4c3b2a1", "/../Cargo.toml", "/.vite/manifest.json", "/index.html.br"]
        {
            let page = respond(path, &HeaderMap::new());
            assert_eq!(
                (page.status(), &page.headers()["content-type"]),
                (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
            );
            assert_eq!(page.headers()["cache-control"], "no-cache", "{path}");
            assert!(page.body().starts_with(b"<!doctype html>"), "{path}");
        }
    }

    /// In a release, what is embedded; in other builds, what is on the disk. `make test` builds the page first.
    #[test]
    fn the_page_that_was_built_is_there_with_all_that_it_loads() {
        if Files::iter().next().is_none() {
            assert!(
                std::env::var_os("PAGE_IS_BUILT").is_none(),
                "nothing of web/dist is there: run `make web`"
            );
            return;
        }
        let page = respond("/", &HeaderMap::new());
        let page = std::str::from_utf8(page.body()).unwrap();
        let loaded: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
        for kind in [".js", ".css"] {
            assert!(loaded.iter().any(|path| path.ends_with(kind)), "it loads no {kind}: {page}");
        }
        for path in loaded {
            let file = respond(path, &accepting("br, gzip"));
            assert_eq!((file.status(), file.body().is_empty()), (StatusCode::OK, false), "{path}");
            assert_eq!(file.headers()["cache-control"], FOREVER, "{path}");
        }
    }

    #[test]
    fn a_script_of_another_build_is_not_the_page() {
        let gone = respond("/assets/index-0.js", &HeaderMap::new());
        assert_eq!(
            (gone.status(), &gone.headers()["cache-control"]),
            (StatusCode::NOT_FOUND, &"no-cache".parse().unwrap())
        );
    }

    #[test]
    fn no_script_within_the_page_runs() {
        let policy =
            respond("/", &HeaderMap::new()).headers()["content-security-policy"].to_str().unwrap().to_owned();
        let script = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
        assert_eq!(script.trim(), "script-src 'self'");
    }
}
