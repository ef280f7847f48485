//! Drives it all: group commit, dispatch, record, and the background reconcilers.
