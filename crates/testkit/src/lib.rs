//! What tests share: databases, receivers, a running binary, and waiting without sleeping.
