//! Measures the program against the bare limit of the machine, in one run.

fn main() {}
