//! The sandbox with real children: what scripts can do, and what they can't do to us.

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod children;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod support;
