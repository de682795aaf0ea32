//! Matches request paths as upstream does: literal segments are case-insensitive.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::percent_decode_str;
use poem::http::Method;

use crate::error::Error;

/// All paths of the API with their methods, grouped by the number of segments.
#[derive(Debug)]
pub struct PathNormalizer(BTreeMap<usize, Vec<Template>>);

#[derive(Debug)]
struct Template {
    segments: Vec<Segment>,
    /// Each method with the id of its operation; one outside the document has the path instead.
    methods: Vec<(Method, String)>,
}

/// The operation that a request addresses.
#[derive(Debug, PartialEq, Eq)]
pub struct MatchedRoute<'a> {
    /// The path in the router's spelling.
    pub path: String,
    pub operation: &'a str,
}

/// Literals sort before parameters, so that a literal segment wins over a parameter.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter,
}

impl PathNormalizer {
    /// Takes paths in poem's notation: `/api/v1/User/:param0`.
    pub fn new<'a>(routes: impl Iterator<Item = (&'a str, Vec<(Method, String)>)>) -> Self {
        let mut by_length = BTreeMap::<_, Vec<_>>::new();
        for template in routes.map(|(path, methods)| Template::new(path, methods)) {
            by_length.entry(template.segments.len()).or_default().push(template);
        }
        by_length.values_mut().for_each(|templates| templates.sort_by(|one, other| one.segments.cmp(&other.segments)));
        Self(by_length)
    }

    /// The route for a method and a path. A HEAD request has the route of GET.
    ///
    /// # Errors
    /// [`Error::NoRoute`] for an unknown path; [`Error::MethodNotAllowed`] for a method that the path does not have.
    pub fn resolve(&self, method: &Method, path: &str) -> Result<MatchedRoute<'_>, Error> {
        let segments = split(path);
        let decoded: Vec<_> = segments.iter().map(|segment| decode(segment)).collect();
        let mut of_this_length = self.0.get(&decoded.len()).into_iter().flatten();
        let found = of_this_length.find(|template| template.matches(&decoded)).ok_or(Error::NoRoute)?;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        match found.methods.iter().find(|(method, _)| method == wanted) {
            Some((_, operation)) => Ok(MatchedRoute { path: found.canonical(&segments), operation }),
            None => Err(Error::MethodNotAllowed { allowed: found.allowed() }),
        }
    }
}

impl Template {
    fn new(path: &str, mut methods: Vec<(Method, String)>) -> Self {
        let segment = |segment: &str| match segment.strip_prefix(':') {
            Some(_) => Segment::Parameter,
            None => Segment::Literal(segment.to_owned()),
        };
        methods.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
        Self { segments: split(path).into_iter().map(segment).collect(), methods }
    }

    /// Whether a path matches. The number of segments must be equal.
    fn matches(&self, segments: &[Cow<'_, str>]) -> bool {
        let fits = |(segment, given): (&Segment, &Cow<'_, str>)| match segment {
            Segment::Literal(literal) => given.eq_ignore_ascii_case(literal),
            Segment::Parameter => !given.is_empty(),
        };
        self.segments.iter().zip(segments).all(fits)
    }

    fn canonical(&self, segments: &[&str]) -> String {
        let mut path = String::new();
        for (segment, given) in self.segments.iter().zip(segments) {
            path.push('/');
            path.push_str(if let Segment::Literal(literal) = segment { literal } else { given });
        }
        path
    }

    /// The methods in the document; all methods of a path that is not in it.
    fn allowed(&self) -> String {
        let is_documented = |(_, operation): &(Method, String)| !operation.starts_with('/');
        let is_in_document = self.methods.iter().any(is_documented);
        let shown = self.methods.iter().filter(|method| is_documented(method) || !is_in_document);
        let methods = shown.map(|(method, _)| method.as_str());
        let head = methods.clone().any(|method| method == "GET").then_some("HEAD");
        methods.chain(head).collect::<Vec<_>>().join(", ")
    }
}

/// The segments of a path. A trailing slash is ignored.
fn split(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/').collect()
}

fn decode(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> PathNormalizer {
        let get = || vec![(Method::GET, "Get".to_owned())];
        PathNormalizer::new(
            [
                ("/", get()),
                ("/api/v1/User/:param0", get()),
                ("/api/v1/User/current", get()),
                ("/api/v1/User/:param0/CustomCommand/:param1", vec![(Method::POST, "Run".to_owned())]),
            ]
            .into_iter(),
        )
    }

    fn get(path: &str) -> Option<String> {
        paths().resolve(&Method::GET, path).ok().map(|found| found.path)
    }

    #[test]
    fn literals_match_in_any_case_and_parameters_stay_unchanged() {
        let path = "/API/v1/user/7/customcommand/User";
        let paths = paths();
        let found = paths.resolve(&Method::POST, path).expect("a route");
        assert_eq!((found.path.as_str(), found.operation), ("/api/v1/User/7/CustomCommand/User", "Run"));
        assert_eq!(get("/api/v1/%55ser/a%2Fb").as_deref(), Some("/api/v1/User/a%2Fb"));
    }

    #[test]
    fn a_literal_wins_over_a_parameter() {
        assert_eq!(get("/api/v1/User/CURRENT").as_deref(), Some("/api/v1/User/current"));
        assert_eq!(get("/api/v1/User/currently").as_deref(), Some("/api/v1/User/currently"));
    }

    #[test]
    fn a_trailing_slash_is_ignored_and_a_parameter_is_not_empty() {
        assert_eq!(get("/api/v1/User/7/").as_deref(), Some("/api/v1/User/7"));
        assert_eq!(get("/").as_deref(), Some("/"));
        assert_eq!(get("/api/v1/User//"), None);
    }

    #[test]
    fn a_wrong_method_is_refused_with_the_allowed_ones() {
        let error = paths().resolve(&Method::DELETE, "/api/v1/User/7").expect_err("an error");
        assert!(matches!(error, Error::MethodNotAllowed { allowed } if allowed == "GET, HEAD"));
    }
}
