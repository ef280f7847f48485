//! What an incoming webhook does with a record: its actions, step by step.
//!
//! [`compile`] makes them ready, [`context`] is what their expressions see, [`plan`] says what is to be done with a record and
//! where it has to leave the process first. What leaves it is a [`call`] or a [`script`]. All of it is pure but `script`'s and
//! `call`'s last step; `crate::jobs` drives it.

pub(crate) mod call;
pub(crate) mod compile;
pub(crate) mod context;
pub(crate) mod plan;
#[cfg(test)]
mod plan_tests;
pub(crate) mod script;

pub use compile::{check, header_key};
