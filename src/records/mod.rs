//! What was done: the executions of custom commands.

pub mod execution;
