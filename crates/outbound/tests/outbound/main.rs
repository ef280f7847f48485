//! The client against real servers on the loopback interface.

#[cfg(test)]
mod exchange;
#[cfg(test)]
mod failure;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod https;
#[cfg(test)]
mod mtls;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
#[cfg(test)]
mod ways;
