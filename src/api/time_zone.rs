//! The time zones that a client can name.

use chrono::Datelike;
use poem_openapi::OpenApi;

use super::{
    Tag,
    carriers::TimeZoneData,
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn},
};
use crate::{clock, error::Error, localization::zone, users::Caller};

#[derive(Default)]
pub struct TimeZoneOperations;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::TimeZone", ignore_case = true)]
impl TimeZoneOperations {
    /// Get the time zones
    ///
    /// Lists the places that SO-TimeZone can name, with the rules of their clocks this year: countries with one time
    /// zone, and the states, provinces and territories of the United States, Canada and Australia.
    #[oai(path = "/TimeZone", method = "get", operation_id = "v1TimeZone_GetAll")]
    async fn get_time_zones(
        &self,
        _caller: Caller,
        reader: Reader,
    ) -> Result<Answer<Vec<TimeZoneData>>, ErrorResponse<NoOwn>> {
        let year = i16::try_from(clock::now().year()).map_err(Error::internal)?;
        let places = zone::places().iter().map(|place| TimeZoneData::new(place, year));
        Ok(reader.answer(places.collect()))
    }
}
