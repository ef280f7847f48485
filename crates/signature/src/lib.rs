//! Signature schemes, tokens, and the sealing of secrets at rest: pure.
