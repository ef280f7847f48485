//! Addresses of resources that are known by a name which a user chose.

use url::form_urlencoded;

/// A text as one segment of a path, percent-encoded.
pub fn path_segment(text: &str) -> String {
    // Forms write a space as a plus, and a plus as %2B.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_holds_any_text() {
        assert_eq!(path_segment("a b/c+d%é?#"), "a%20b%2Fc%2Bd%25%C3%A9%3F%23");
    }
}
