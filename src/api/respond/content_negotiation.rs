//! Content negotiation: the media types of responses, and the choice of one from the Accept header.

use poem::http::{HeaderMap, header};

/// The media type of a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    Json,
    /// JSON under an older, unregistered name.
    TextJson,
    Xml,
    TextXml,
}

/// The media types of successful responses, in the document's order.
pub const RESPONSE_TYPES: [MediaType; 4] = [MediaType::Json, MediaType::TextJson, MediaType::Xml, MediaType::TextXml];

/// The media types of errors.
pub const ERROR: [MediaType; 2] = [MediaType::Json, MediaType::Xml];

/// The media type of a JSON Patch.
const JSON_PATCH: &str = "application/json-patch+json";

/// The names that Accept may have. The first one wins when a client gives several the same weight. Upstream also lists
/// the patch types as response types; they mean JSON.
const NAMES: [(&str, MediaType); 6] = [
    ("application/json", MediaType::Json),
    ("text/json", MediaType::TextJson),
    ("application/xml", MediaType::Xml),
    ("text/xml", MediaType::TextXml),
    (JSON_PATCH, MediaType::Json),
    ("application/merge-patch+json", MediaType::Json),
];

impl MediaType {
    /// Its name without parameters, for the document.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, media)| *media == self).map_or("", |(name, _)| name)
    }

    /// The value of Content-Type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::TextJson => "text/json; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
            Self::TextXml => "text/xml; charset=utf-8",
        }
    }

    /// The media type of the response to a request. When Accept matches none of our types, the response is JSON, as RFC
    /// 9110 permits (section 12.5.1), or XML when Accept excludes JSON. `None` when Accept excludes both.
    pub fn for_client(headers: &HeaderMap) -> Option<Self> {
        // A shortcut: most clients send no Accept.
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::Json);
        }
        let accepted = AcceptHeader::of(headers);
        accepted
            .preferred()
            .or_else(|| [Self::Json, Self::Xml].into_iter().find(|media| !accepted.excludes(media.name())))
    }

    pub fn is_xml(self) -> bool {
        matches!(self, Self::Xml | Self::TextXml)
    }

    /// Whether a body of this type is a JSON Patch (RFC 6902).
    pub fn is_json_patch(content_type: &str) -> bool {
        content_type.parse::<mime::Mime>().is_ok_and(|media| media.essence_str() == JSON_PATCH)
    }

    /// Whether a body of this type is read as JSON.
    pub fn is_json_body(content_type: &str) -> bool {
        let media = content_type.parse::<mime::Mime>().ok();
        media.is_some_and(|media| NAMES.iter().any(|(name, known)| media.essence_str() == *name && !known.is_xml()))
    }
}

/// Whether a client takes gzip (RFC 9110, section 12.5.3). A coding with an unreadable weight is not taken.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let weight_of = |wanted: &str| {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).find_map(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let weight = || weight.trim().strip_prefix("q=")?.trim().parse::<f32>().ok();
            name.trim().eq_ignore_ascii_case(wanted).then(|| weight().unwrap_or_default())
        })
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

/// The media ranges of an Accept header.
pub struct AcceptHeader(Vec<mime::Mime>);

impl AcceptHeader {
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut ranges =
            values.flat_map(|value| value.split(',')).map(str::trim).filter(|range| !range.is_empty()).peekable();
        // QUIRK: an empty Accept means anything. Seen in: docs/upstream.md §1.3, where the client sends empty header
        // values. Until: it stops.
        if ranges.peek().is_none() {
            return Self(vec![mime::STAR_STAR]);
        }
        Self(ranges.filter_map(|range| range.parse().ok()).filter(has_weight).collect())
    }

    /// The media type with the highest quality; `None` when no range matches.
    pub fn preferred(&self) -> Option<MediaType> {
        let mut best: Option<(MediaType, f32)> = None;
        for (name, media) in NAMES {
            let quality = self.quality(name);
            if quality > best.map_or(0.0, |(_, best)| best) {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    /// The quality of a media type, from 0 to 1. The most specific matching range decides.
    pub fn quality(&self, name: &str) -> f32 {
        self.stated_quality(name).unwrap_or(0.0)
    }

    /// Whether the most specific matching range has the quality 0.
    fn excludes(&self, name: &str) -> bool {
        self.stated_quality(name) == Some(0.0)
    }

    /// The same as [`Self::quality`], but `None` when no range matches.
    fn stated_quality(&self, name: &str) -> Option<f32> {
        let decisive = self.0.iter().filter(|range| includes(range, name)).min_by_key(|range| breadth(range));
        let quality = |range: &mime::Mime| match range.get_param("q") {
            Some(weight) => crate::localization::quality(weight.as_str()).unwrap_or(0.0),
            None => 1.0,
        };
        decisive.map(quality)
    }
}

/// Whether the weight of a range is valid. A range without a weight is valid; its quality is 1.
fn has_weight(range: &mime::Mime) -> bool {
    range.get_param("q").is_none_or(|weight| crate::localization::quality(weight.as_str()).is_some())
}

fn includes(range: &mime::Mime, name: &str) -> bool {
    let (kind, _) = name.split_once('/').unwrap_or((name, ""));
    match breadth(range) {
        0 => range.essence_str() == name,
        1 => range.type_() == kind && range.subtype() == mime::STAR,
        _ => true,
    }
}

/// The number of wildcards in a media range.
fn breadth(range: &mime::Mime) -> u8 {
    u8::from(range.type_() == mime::STAR) + u8::from(range.subtype() == mime::STAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &str) -> Option<MediaType> {
        let value = accept.parse().expect("a header");
        AcceptHeader::of(&HeaderMap::from_iter([(header::ACCEPT, value)])).preferred()
    }

    #[test]
    fn the_type_with_the_highest_quality_wins_and_json_breaks_ties() {
        for (accept, expected) in [
            ("", Some(MediaType::Json)),
            (", ,", Some(MediaType::Json)),
            ("*/*", Some(MediaType::Json)),
            ("application/*", Some(MediaType::Json)),
            ("text/*", Some(MediaType::TextJson)),
            ("text/json", Some(MediaType::TextJson)),
            ("application/xml", Some(MediaType::Xml)),
            ("text/xml; charset=utf-8", Some(MediaType::TextXml)),
            ("application/xml, application/json", Some(MediaType::Json)),
            ("application/json;q=0.5, text/xml;q=0.8", Some(MediaType::TextXml)),
            ("text/html, application/xml;q=0.9, */*;q=0.8", Some(MediaType::Xml)),
            ("application/json-patch+json", Some(MediaType::Json)),
            ("application/json;q=abc, text/xml;q=0.1", Some(MediaType::TextXml)),
            ("text/xml;q=0.5x", None),
            ("application/json, text/xml;q=5", Some(MediaType::Json)),
            ("application/json;q=0", None),
            ("application/json;q=0, application/xml;q=0.1", Some(MediaType::Xml)),
            ("image/png", None),
            ("image/*", None),
            ("text/html, garbage", None),
        ] {
            assert_eq!(preferred(accept), expected, "{accept}");
        }
    }

    #[test]
    fn an_accept_that_matches_nothing_gets_json_unless_excluded() {
        for (accept, expected) in [
            ("aplication/json", Some(MediaType::Json)),
            ("image/png", Some(MediaType::Json)),
            ("text/html, garbage", Some(MediaType::Json)),
            ("json", Some(MediaType::Json)),
            ("text/xml;q=0.5x", Some(MediaType::Json)),
            ("application/x+xml", Some(MediaType::Json)),
            ("application/xml;q=0", Some(MediaType::Json)),
            ("application/json;q=0", Some(MediaType::Xml)),
            ("image/png, application/json;q=0", Some(MediaType::Xml)),
            ("application/json;q=0, text/xml", Some(MediaType::TextXml)),
            ("application/json;q=0, application/xml;q=0", None),
            ("application/*;q=0", None),
            ("*/*;q=0", None),
            ("*/*;q=0, application/json", Some(MediaType::Json)),
        ] {
            let value = accept.parse().expect("a header");
            let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
            assert_eq!(MediaType::for_client(&headers), expected, "{accept}");
        }
        assert_eq!(MediaType::for_client(&HeaderMap::new()), Some(MediaType::Json));
    }
}
