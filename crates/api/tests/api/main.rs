//! The interface as clients meet it: through the router, on real databases.

#[cfg(test)]
mod document;
#[cfg(test)]
mod support;
