//! The response to a request that makes something, or changes it.

use poem::{
    IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaResponses, Registry},
    types::{ToJSON, Type},
};

use super::format::Formatted;
use crate::error::Error;

/// What was saved, with its URL in Location. The status is 200 as upstream's (docs/upstream.md §1.1), not 201.
pub struct Saved<T> {
    content: Formatted<T>,
    location: HeaderValue,
}

impl<T> Saved<T> {
    /// # Errors
    /// The URL is no value of a header.
    pub fn new(content: Formatted<T>, location: &str) -> Result<Self, Error> {
        Ok(Self { content, location: HeaderValue::from_str(location).map_err(Error::internal)? })
    }
}

impl<T: ToJSON> IntoResponse for Saved<T> {
    fn into_response(self) -> Response {
        let mut response = self.content.into_response();
        response.headers_mut().insert(header::LOCATION, self.location);
        response
    }
}

impl<T: ToJSON> ApiResponse for Saved<T> {
    fn meta() -> MetaResponses {
        let mut meta = Formatted::<T>::meta();
        for response in &mut meta.responses {
            response.headers.push(MetaHeader {
                name: header::LOCATION.to_string(),
                description: Some("The URL of what was saved.".to_owned()),
                required: true,
                deprecated: false,
                schema: String::schema_ref(),
            });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        Formatted::<T>::register(registry);
    }
}
