//! Which paths exist, matched as upstream matches them: the literal parts without regard to case.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::percent_decode_str;
use poem::http::Method;

use crate::error::Error;

/// Every path of the API and the methods it takes, by its number of segments.
#[derive(Debug)]
pub struct Paths(BTreeMap<usize, Vec<Template>>);

#[derive(Debug)]
struct Template {
    segments: Vec<Segment>,
    /// Each with the name of its operation.
    methods: Vec<(Method, String)>,
}

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The path in the spelling that the router knows.
    pub path: String,
    pub operation: &'a str,
}

/// The order makes a literal segment win over a parameter.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter,
}

impl Paths {
    /// Takes paths in poem's notation: `/api/v1/User/:param0`.
    pub fn new<'a>(routes: impl Iterator<Item = (&'a str, Vec<(Method, String)>)>) -> Self {
        let mut by_length = BTreeMap::<_, Vec<_>>::new();
        for template in routes.map(|(path, methods)| Template::new(path, methods)) {
            by_length.entry(template.segments.len()).or_default().push(template);
        }
        by_length.values_mut().for_each(|templates| templates.sort_by(|one, other| one.segments.cmp(&other.segments)));
        Self(by_length)
    }

    /// What is at a path, for a method.
    ///
    /// # Errors
    /// Nothing is there, or it does not take the method.
    pub fn resolve(&self, method: &Method, path: &str) -> Result<Found<'_>, Error> {
        let segments = split(path);
        let read: Vec<_> = segments.iter().map(|segment| decoded(segment)).collect();
        let mut of_this_length = self.0.get(&read.len()).into_iter().flatten();
        let found = of_this_length.find(|template| template.matches(&read)).ok_or(Error::NoRoute)?;
        let asked = if method == Method::HEAD { &Method::GET } else { method };
        match found.methods.iter().find(|(method, _)| method == asked) {
            Some((_, operation)) => Ok(Found { path: found.spell(&segments), operation }),
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

    /// Whether a path with as many segments is one of these.
    fn matches(&self, segments: &[Cow<'_, str>]) -> bool {
        let fits = |(own, given): (&Segment, &Cow<'_, str>)| match own {
            Segment::Literal(literal) => given.eq_ignore_ascii_case(literal),
            Segment::Parameter => !given.is_empty(),
        };
        self.segments.iter().zip(segments).all(fits)
    }

    fn spell(&self, segments: &[&str]) -> String {
        let mut path = String::new();
        for (own, given) in self.segments.iter().zip(segments) {
            path.push('/');
            path.push_str(if let Segment::Literal(literal) = own { literal } else { given });
        }
        path
    }

    fn allowed(&self) -> String {
        let methods = self.methods.iter().map(|(method, _)| method.as_str());
        let head = methods.clone().any(|method| method == "GET").then_some("HEAD");
        methods.chain(head).collect::<Vec<_>>().join(", ")
    }
}

/// The segments of a path. A slash at its end makes no difference.
fn split(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/').collect()
}

fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> Paths {
        let get = || vec![(Method::GET, "Get".to_owned())];
        Paths::new(
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
    fn literal_parts_match_without_regard_to_case_and_parameters_stay_as_they_are() {
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
    fn a_slash_at_the_end_makes_no_difference_and_an_empty_segment_is_no_parameter() {
        assert_eq!(get("/api/v1/User/7/").as_deref(), Some("/api/v1/User/7"));
        assert_eq!(get("/").as_deref(), Some("/"));
        assert_eq!(get("/api/v1/User//"), None);
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        let error = paths().resolve(&Method::DELETE, "/api/v1/User/7").expect_err("an error");
        assert!(matches!(error, Error::MethodNotAllowed { allowed } if allowed == "GET, HEAD"));
    }
}
