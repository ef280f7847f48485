//! The only way out: an HTTP client that refuses private destinations.
