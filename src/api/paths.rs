//! Which paths exist, matched as upstream matches them: the literal parts without regard to case.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use poem::http::Method;

use crate::error::Error;

/// Every path of the API and the methods it takes.
#[derive(Debug)]
pub struct Paths(Vec<Template>);

#[derive(Debug)]
struct Template {
    segments: Vec<Segment>,
    methods: Vec<Method>,
}

/// The order makes a literal segment win over a parameter.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter,
}

impl Paths {
    /// Takes paths in poem's notation: `/api/v1/User/:param0`.
    pub fn new<'a>(routes: impl Iterator<Item = (&'a str, Vec<Method>)>) -> Self {
        let mut templates: Vec<_> = routes.map(|(path, methods)| Template::new(path, methods)).collect();
        templates.sort_by(|one, other| one.segments.cmp(&other.segments));
        Self(templates)
    }

    /// The path in the spelling that the router knows.
    ///
    /// # Errors
    /// Nothing is there, or it does not take the method.
    pub fn resolve(&self, method: &Method, path: &str) -> Result<String, Error> {
        let segments = split(path);
        let found = self.0.iter().find(|template| template.matches(&segments)).ok_or(Error::NoRoute)?;
        let asked = if method == Method::HEAD { &Method::GET } else { method };
        if found.methods.contains(asked) {
            Ok(found.spell(&segments))
        } else {
            Err(Error::MethodNotAllowed { allowed: found.allowed() })
        }
    }
}

impl Template {
    fn new(path: &str, mut methods: Vec<Method>) -> Self {
        let segment = |segment: &str| match segment.strip_prefix(':') {
            Some(_) => Segment::Parameter,
            None => Segment::Literal(segment.to_owned()),
        };
        methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        Self { segments: split(path).into_iter().map(segment).collect(), methods }
    }

    fn matches(&self, segments: &[&str]) -> bool {
        let fits = |(own, given): (&Segment, &&str)| match own {
            Segment::Literal(literal) => decoded(given).eq_ignore_ascii_case(literal),
            Segment::Parameter => !given.is_empty(),
        };
        self.segments.len() == segments.len() && self.segments.iter().zip(segments).all(fits)
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
        let head = self.methods.contains(&Method::GET).then_some("HEAD");
        self.methods.iter().map(Method::as_str).chain(head).collect::<Vec<_>>().join(", ")
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
        let get = || vec![Method::GET];
        Paths::new(
            [
                ("/", get()),
                ("/api/v1/User/:param0", get()),
                ("/api/v1/User/current", get()),
                ("/api/v1/User/:param0/CustomCommand/:param1", vec![Method::POST]),
            ]
            .into_iter(),
        )
    }

    fn get(path: &str) -> Option<String> {
        paths().resolve(&Method::GET, path).ok()
    }

    #[test]
    fn literal_parts_match_without_regard_to_case_and_parameters_stay_as_they_are() {
        let path = "/API/v1/user/7/customcommand/User";
        let spelt = paths().resolve(&Method::POST, path).expect("a route");
        assert_eq!(spelt, "/api/v1/User/7/CustomCommand/User");
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
