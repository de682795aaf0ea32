//! The media types of answers, and which of them a client takes.

use poem::http::{HeaderMap, header};

/// How a carrier is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Media {
    Json,
    /// JSON under the name that it had before it was registered.
    TextJson,
    Xml,
    TextXml,
}

/// The media types of a carrier, as the document lists them: JSON first.
pub const CARRIER: [Media; 4] = [Media::Json, Media::TextJson, Media::Xml, Media::TextXml];

/// The media types of an error.
pub const ERROR: [Media; 2] = [Media::Json, Media::Xml];

/// The media type of a JSON Patch.
const JSON_PATCH: &str = "application/json-patch+json";

/// What a client may ask for, best first where it likes two of them the same. The names of patches stand among
/// upstream's media types of answers as well, and mean JSON there.
const NAMES: [(&str, Media); 6] = [
    ("application/json", Media::Json),
    ("text/json", Media::TextJson),
    ("application/xml", Media::Xml),
    ("text/xml", Media::TextXml),
    (JSON_PATCH, Media::Json),
    ("application/merge-patch+json", Media::Json),
];

impl Media {
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

    /// The media type of a carrier for the client of a request. An Accept that matches none of ours gets JSON, as RFC 9110
    /// permits (section 12.5.1), unless it excludes JSON; then XML. None when it excludes both.
    pub fn for_client(headers: &HeaderMap) -> Option<Self> {
        // Most clients do not care.
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::Json);
        }
        let accepted = Accepted::of(headers);
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

/// The media ranges that a client takes.
pub struct Accepted(Vec<mime::Mime>);

impl Accepted {
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut ranges =
            values.flat_map(|value| value.split(',')).map(str::trim).filter(|range| !range.is_empty()).peekable();
        // QUIRK: an empty Accept means anything. Seen in: contract §1.3, where the client sends empty header values.
        // Until: it stops.
        if ranges.peek().is_none() {
            return Self(vec![mime::STAR_STAR]);
        }
        Self(ranges.filter_map(|range| range.parse().ok()).filter(has_weight).collect())
    }

    /// The media type of carriers that the client likes most.
    pub fn preferred(&self) -> Option<Media> {
        let mut best: Option<(Media, f32)> = None;
        for (name, media) in NAMES {
            let quality = self.quality(name);
            if quality > best.map_or(0.0, |(_, best)| best) {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    /// How much the client likes a media type. Of the ranges it falls into, the narrowest decides.
    pub fn quality(&self, name: &str) -> f32 {
        self.stated_quality(name).unwrap_or(0.0)
    }

    /// Whether a range says that the client does not take a media type.
    fn excludes(&self, name: &str) -> bool {
        self.stated_quality(name) == Some(0.0)
    }

    /// The same as [`Self::quality`]; none for a media type that falls into no range.
    fn stated_quality(&self, name: &str) -> Option<f32> {
        let decisive = self.0.iter().filter(|range| includes(range, name)).min_by_key(|range| breadth(range));
        let quality = |range: &mime::Mime| match range.get_param("q") {
            Some(weight) => crate::localization::quality(weight.as_str()).unwrap_or(0.0),
            None => 1.0,
        };
        decisive.map(quality)
    }
}

/// Whether the weight of a range can be read. A range without one weighs 1.
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

/// How much else a media range takes in.
fn breadth(range: &mime::Mime) -> u8 {
    u8::from(range.type_() == mime::STAR) + u8::from(range.subtype() == mime::STAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &str) -> Option<Media> {
        let value = accept.parse().expect("a header");
        Accepted::of(&HeaderMap::from_iter([(header::ACCEPT, value)])).preferred()
    }

    #[test]
    fn a_client_gets_the_type_it_likes_most_and_json_where_it_does_not_care() {
        for (accept, expected) in [
            ("", Some(Media::Json)),
            (", ,", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("text/*", Some(Media::TextJson)),
            ("text/json", Some(Media::TextJson)),
            ("application/xml", Some(Media::Xml)),
            ("text/xml; charset=utf-8", Some(Media::TextXml)),
            ("application/xml, application/json", Some(Media::Json)),
            ("application/json;q=0.5, text/xml;q=0.8", Some(Media::TextXml)),
            ("text/html, application/xml;q=0.9, */*;q=0.8", Some(Media::Xml)),
            ("application/json-patch+json", Some(Media::Json)),
            ("application/json;q=abc, text/xml;q=0.1", Some(Media::TextXml)),
            ("text/xml;q=0.5x", None),
            ("application/json, text/xml;q=5", Some(Media::Json)),
            ("application/json;q=0", None),
            ("application/json;q=0, application/xml;q=0.1", Some(Media::Xml)),
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
            ("aplication/json", Some(Media::Json)),
            ("image/png", Some(Media::Json)),
            ("text/html, garbage", Some(Media::Json)),
            ("json", Some(Media::Json)),
            ("text/xml;q=0.5x", Some(Media::Json)),
            ("application/x+xml", Some(Media::Json)),
            ("application/xml;q=0", Some(Media::Json)),
            ("application/json;q=0", Some(Media::Xml)),
            ("image/png, application/json;q=0", Some(Media::Xml)),
            ("application/json;q=0, text/xml", Some(Media::TextXml)),
            ("application/json;q=0, application/xml;q=0", None),
            ("application/*;q=0", None),
            ("*/*;q=0", None),
            ("*/*;q=0, application/json", Some(Media::Json)),
        ] {
            let value = accept.parse().expect("a header");
            let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
            assert_eq!(Media::for_client(&headers), expected, "{accept}");
        }
        assert_eq!(Media::for_client(&HeaderMap::new()), Some(Media::Json));
    }
}
