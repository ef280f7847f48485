//! When a delivery is due, what an answer means, and whose turn it is: pure.
