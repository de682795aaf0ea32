//! The steps that every request passes through, whatever its operation. `pipeline.rs` has their order.

pub mod concurrency_limit;
pub mod cors;
pub mod fault_injection;
pub mod headers;
pub mod large_bodies;
pub mod normalize_path;
pub mod pipeline;
pub mod read_body;
pub mod request_metrics;
