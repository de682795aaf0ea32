//! Checks the headers and query parameters of a request. A value that cannot be read, or that is given twice, is
//! refused by name: with two values, a proxy and this server might each use a different one.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use poem::{
    Request,
    http::{HeaderMap, Uri, header},
};
use poem_openapi::registry::{MetaApi, MetaParamIn};

use crate::{
    error::{Error, shortened},
    nearest::suggestion,
};

/// How often a request may have a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Once.
    Single,
    /// Any number of times: the values form one list (RFC 9110, section 5.3).
    List,
}

/// The headers that the server reads and that a request may have once. Three more are handled elsewhere: `Host` has its
/// own check, `Cookie` may contain anything besides our own cookie, and the HTTP library reads `Transfer-Encoding`.
pub const SINGLE: [&str; 20] = [
    "Access-Control-Request-Method",
    "Authorization",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Idempotency-Key",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "Origin",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "SO-AppToken",
    "SO-Culture",
    "SO-Language",
    "SO-TimeZone",
    "traceparent",
    "X-Confirmation",
    "X-Demo-Fault",
    "X-Dry-Run",
    "X-XSRF-TOKEN",
];
/// The headers that the server reads as lists.
pub const LISTS: [&str; 7] = [
    "Accept",
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Forwarded",
    "If-None-Match",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
];

/// Conditional headers that an operation may ignore, because they only save traffic: every operation may ignore
/// If-Modified-Since, and a GET may ignore If-None-Match (RFC 9110, sections 13.1.2 and 13.1.3).
const IGNORABLE: [&str; 1] = ["If-Modified-Since"];
const IGNORABLE_FOR_GET: [&str; 1] = ["If-None-Match"];
/// No operation supports this header, and a write must not ignore it.
const UNSUPPORTED: &str = "If-Match";

fn rule(name: &str) -> Option<(&'static str, Rule)> {
    let find = |names: &'static [&'static str]| names.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
    let list = || find(&LISTS).map(|name| (name, Rule::List));
    find(&SINGLE).map(|name| (name, Rule::Single)).or_else(list)
}

/// Checks each header that the server reads.
///
/// # Errors
/// A single header is given twice, a value is not visible ASCII, or the body has a Content-Encoding.
pub fn check(headers: &HeaderMap) -> Result<(), Error> {
    for name in headers.keys() {
        let Some((shown, rule)) = rule(name.as_str()) else { continue };
        let values = headers.get_all(name);
        if rule == Rule::Single && values.iter().nth(1).is_some() {
            return Err(refuse(shown, "it is given more than once; send it once"));
        }
        if values.iter().any(|value| value.to_str().is_err()) {
            return Err(refuse(shown, "it takes visible ASCII characters only"));
        }
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(&b""[..], |value| value.as_bytes());
    if encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity") {
        return Ok(());
    }
    Err(Error::UnsupportedEncoding)
}

fn refuse(name: &str, problem: &str) -> Error {
    Error::InvalidArgument(format!("Header {name}: {problem}."))
}

/// The path prefix of operations that upstream does not have.
const OWN_PATHS: &str = "/_ext/";
/// The first character of OData query parameters.
const ODATA: char = '$';
/// Upstream's list parameters that we do not have, each with the value that matches what our list does anyway.
const IGNORABLE_OPTIONS: [(&str, &str); 1] = [("$mode", "Slim")];

/// The query parameter that may be given several times: one value for each input of a command.
const REPEATABLE: &str = "additionalData";

/// An operation with query parameters that one version of upstream's page lists and upstream's OpenAPI document does
/// not.
const UNDOCUMENTED: (&str, [&str; 3]) = ("v1UserAgent_ExecuteUserCommand", ["commandName", "actionResult", REPEATABLE]);

/// The headers and query parameters that operations declare, without the headers that all operations share.
#[derive(Debug, Default)]
pub struct DeclaredInputs {
    headers: Vec<DeclaredHeader>,
    /// The query parameters of each operation, by operationId.
    queries: HashMap<String, QueryParameters>,
}

#[derive(Debug)]
struct QueryParameters {
    names: Vec<String>,
    /// Unknown parameters are ignored, as upstream ignores them: true for reads of upstream's resources.
    ignores_unknown: bool,
}

/// A header that some operations declare and the others refuse.
#[derive(Debug)]
struct DeclaredHeader {
    name: String,
    /// The operations that declare the header: operationId, and method with path.
    operations: Vec<(String, String)>,
}

impl DeclaredInputs {
    pub fn of(declared: Vec<MetaApi>) -> Self {
        let mut inputs = Self::default();
        for path in declared.into_iter().flat_map(|api| api.paths) {
            let is_own = path.path.starts_with(OWN_PATHS);
            for operation in path.operations {
                let id = operation.operation_id.unwrap_or(&path.path);
                let shown = format!("{} {}", operation.method, path.path);
                let of_kind = |kind| operation.params.iter().filter(move |param| param.in_type == kind);
                let headers = of_kind(MetaParamIn::Header).map(|header| header.name.clone());
                let headers = headers.filter(|name| !IGNORABLE.contains(&name.as_str()));
                headers.for_each(|name| inputs.add_header(name, (id.to_owned(), shown.clone())));
                let mut names: Vec<_> = of_kind(MetaParamIn::Query).map(|query| query.name.clone()).collect();
                if id == UNDOCUMENTED.0 {
                    names.extend(UNDOCUMENTED.1.map(str::to_owned));
                }
                let ignores_unknown = !is_own && operation.method.is_safe();
                inputs.queries.insert(id.to_owned(), QueryParameters { names, ignores_unknown });
            }
        }
        inputs
    }

    fn add_header(&mut self, name: String, operation: (String, String)) {
        match self.headers.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&name)) {
            Some(known) => known.operations.push(operation),
            None => self.headers.push(DeclaredHeader { name, operations: vec![operation] }),
        }
    }

    /// Checks that the operation declares every header and query parameter of the request.
    ///
    /// # Errors
    /// The operation does not declare one of them; its value does not matter.
    pub fn check(&self, request: &Request, operation_id: &str) -> Result<(), Error> {
        self.check_headers(request.headers(), request.method().is_safe(), operation_id)?;
        let Some(QueryParameters { names: known, ignores_unknown }) = self.queries.get(operation_id) else {
            return Ok(());
        };
        for (name, value) in query_parameters(request.uri()) {
            let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(&name));
            let is_ignorable = IGNORABLE_OPTIONS
                .iter()
                .any(|(option, only)| option.eq_ignore_ascii_case(&name) && only.eq_ignore_ascii_case(value));
            let is_ignored = *ignores_unknown && (is_ignorable || !name.starts_with(ODATA));
            if !is_known && !is_ignored {
                let suggestion = suggestion(&name, known.iter().map(String::as_str));
                let taken = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let end = if suggestion.is_empty() { "." } else { &suggestion };
                return Err(Error::InvalidArgument(format!(
                    "Parameter {}: this operation does not take it. Its query parameters: {taken}{end}",
                    shortened(&name)
                )));
            }
        }
        Ok(())
    }

    fn check_headers(&self, headers: &HeaderMap, is_read: bool, operation_id: &str) -> Result<(), Error> {
        if !is_read && headers.contains_key(UNSUPPORTED) {
            let remedy = "it is not supported; use If-Unmodified-Since, which PUT, PATCH and DELETE of a user take";
            return Err(refuse(UNSUPPORTED, remedy));
        }
        let is_ignorable = |header: &DeclaredHeader| is_read && IGNORABLE_FOR_GET.contains(&header.name.as_str());
        let takes = |header: &DeclaredHeader| {
            is_ignorable(header) || header.operations.iter().any(|(id, _)| id == operation_id)
        };
        match self.headers.iter().find(|header| headers.contains_key(&header.name) && !takes(header)) {
            None => Ok(()),
            Some(DeclaredHeader { name, operations }) => {
                let operations: Vec<_> = operations.iter().map(|(_, shown)| shown.as_str()).collect();
                Err(refuse(name, &format!("this operation does not take it; {} do", operations.join(" and "))))
            }
        }
    }
}

/// The query without parameters that have an empty value, since an empty value means omitted. `None` when the query has
/// no such parameters.
pub fn without_empty_parameters(query: &str) -> Option<String> {
    let is_empty = |part: &&str| part.split_once('=').is_none_or(|(_, value)| value.is_empty());
    let has_empty = !query.is_empty() && query.split('&').any(|part| is_empty(&part));
    has_empty.then(|| {
        let with_value = query.split('&').filter(|part| !is_empty(part));
        with_value.collect::<Vec<_>>().join("&")
    })
}

/// The query parameters: names decoded, values as sent.
fn query_parameters(uri: &Uri) -> impl Iterator<Item = (String, &str)> {
    uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.replace('+', " ");
        (percent_decode_str(&name).decode_utf8_lossy().into_owned(), value)
    })
}

/// Checks the query parameters.
///
/// # Errors
/// A parameter is given twice, in any spelling, or its value is not UTF-8.
pub fn check_query(uri: &Uri) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for (name, value) in query_parameters(uri) {
        let refuse = |problem| Err(Error::InvalidArgument(format!("Parameter {}: {problem}.", shortened(&name))));
        if percent_decode_str(value).decode_utf8().is_err() {
            return refuse("its value is not UTF-8");
        }
        if !seen.insert(name.to_ascii_lowercase()) && !name.eq_ignore_ascii_case(REPEATABLE) {
            return refuse("it is given more than once; send it once");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(query: &str) -> String {
        let checked = check_query(&format!("/?{query}").parse().expect("a URI"));
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_query_parameter_is_given_once_in_any_spelling() {
        for right in [
            "additionalData=a=1&additionaldata=b=2",
            "",
            "&",
            "a=1",
            "a=1&b=1",
            "a=%26a=2",
            "a=1&&b",
            "a=b=c",
            "%C3%B8=%C3%B8",
        ] {
            assert_eq!(query(right), "", "{right}");
        }
        for twice in ["a=1&a=1", "a=1&a=2", "a&a", "a=1&A=2", "a=1&%61=2", "a+b=1&a%20b=2", "$top=1&%24TOP=1"] {
            assert!(query(twice).contains("more than once"), "{twice}: {}", query(twice));
        }
        assert!(query("a=%FF").contains("Parameter a: its value is not UTF-8"), "{}", query("a=%FF"));
    }

    #[test]
    fn a_body_with_an_encoding_is_refused() {
        for (encoding, is_right) in
            [("", true), ("identity", true), ("Identity", true), ("gzip", false), ("br", false), ("gzip, br", false)]
        {
            let value = encoding.parse().expect("a value");
            let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, value)]);
            let is_refused = matches!(check(&headers), Err(Error::UnsupportedEncoding));
            assert_eq!(is_refused, !is_right, "{encoding}");
        }
    }

    #[test]
    fn an_empty_query_parameter_counts_as_omitted() {
        for (given, left) in [
            ("", None),
            ("a=1&b=2", None),
            ("a=1&b=", Some("a=1")),
            ("b=&a=1", Some("a=1")),
            ("a", Some("")),
            ("a=&&b=%20&c", Some("b=%20")),
            ("a==", None),
        ] {
            assert_eq!(without_empty_parameters(given).as_deref(), left, "{given}");
        }
    }

    #[test]
    fn no_header_has_two_rules() {
        let names: HashSet<_> = SINGLE.iter().chain(&LISTS).map(|name| name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), SINGLE.len() + LISTS.len());
    }
}
