//! The engine as a whole: a simulation of its parts on a virtual clock, and the running engine on real databases.

#[cfg(test)]
mod amazon;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod health;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod running;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod support;
