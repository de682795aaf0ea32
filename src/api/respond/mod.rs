//! Responses: media types, localization, errors, caching and export.

pub mod content_negotiation;
pub mod error;
pub mod export;
pub mod format;
pub mod large_response;
pub mod response_cache;
pub mod saved;
pub mod xml;
