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

/// What a client may ask for, best first where it likes two of them the same. The names of patches stand among
/// upstream's media types of answers as well, and mean JSON there.
const NAMES: [(&str, Media); 6] = [
    ("application/json", Media::Json),
    ("text/json", Media::TextJson),
    ("application/xml", Media::Xml),
    ("text/xml", Media::TextXml),
    ("application/json-patch+json", Media::Json),
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

    /// The media type of carriers that the client of a request likes most.
    pub fn preferred(headers: &HeaderMap) -> Option<Self> {
        // Most clients do not care.
        match headers.get(header::ACCEPT) {
            None => Some(Self::Json),
            Some(_) => Accepted::of(headers).preferred(),
        }
    }

    pub fn is_xml(self) -> bool {
        matches!(self, Self::Xml | Self::TextXml)
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
        Self(ranges.filter_map(|range| range.parse().ok()).collect())
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
        let decisive = self.0.iter().filter(|range| includes(range, name)).min_by_key(|range| breadth(range));
        let quality = |range: &mime::Mime| match range.get_param("q") {
            Some(quality) => crate::localization::quality(quality.as_str()),
            None => 1.0,
        };
        decisive.map_or(0.0, quality)
    }
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
}
