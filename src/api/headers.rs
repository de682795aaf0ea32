//! Which headers and query parameters a request may have, and how often. A value that is given twice or cannot be read is
//! refused by name: of two values, different readers take different ones.

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

/// How often a header may stand in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Once.
    Single,
    /// Any number of times: together the values are one list (RFC 9110, section 5.3).
    List,
}

/// Every header that is read, but for three: `Host`, which is checked with what it must say; `Cookie`, of which only our
/// own cookie is read, and others may hold anything; and `Transfer-Encoding`, which is the HTTP library's.
pub const SINGLE: [&str; 19] = [
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
    "X-Demo-Fault",
    "X-Dry-Run",
    "X-XSRF-TOKEN",
];
pub const LISTS: [&str; 7] = [
    "Accept",
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Forwarded",
    "If-None-Match",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
];

/// Conditions that only save traffic: a GET that does not declare them may ignore them, and any change ignores
/// If-Modified-Since (RFC 9110, sections 13.1.2 and 13.1.3).
const HARMLESS: [&str; 1] = ["If-Modified-Since"];
const HARMLESS_FOR_GET: [&str; 1] = ["If-None-Match"];
/// What no operation takes, and what a change must not ignore.
const NEVER_TAKEN: &str = "If-Match";

fn rule(name: &str) -> Option<(&'static str, Rule)> {
    let find = |names: &'static [&'static str]| names.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
    let list = || find(&LISTS).map(|name| (name, Rule::List));
    find(&SINGLE).map(|name| (name, Rule::Single)).or_else(list)
}

/// Checks each header that is read.
///
/// # Errors
/// One is given twice, or its value cannot be read.
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

/// Where our own operations are.
const OWN_PATHS: &str = "/_ext/";
/// The beginning of OData's own query parameters.
const ODATA: char = '$';
/// Those that upstream's lists take and ours do not, with the value that asks for nothing else than ours.
const HARMLESS_OPTIONS: [(&str, &str); 2] = [("$mode", "Slim"), ("$entities", "all")];

/// Query parameters that one version of upstream's page has for an operation, and its document has not.
const UNDOCUMENTED: (&str, [&str; 2]) = ("v1UserAgent_ExecuteUserCommand", ["commandName", "actionResult"]);

/// The inputs that operations declare, without those that all of them share.
#[derive(Debug, Default)]
pub struct DeclaredInputs {
    headers: Vec<OwnHeader>,
    /// The query parameters of each operation, by operationId.
    queries: HashMap<String, QueryParameters>,
}

#[derive(Debug)]
struct QueryParameters {
    names: Vec<String>,
    /// The operation reads, and is upstream's, which ignores names that it does not know.
    ignores_others: bool,
}

/// A header that some operations declare, and that means nothing to the others.
#[derive(Debug)]
struct OwnHeader {
    name: String,
    /// The operations that take it: operationId, and method and path as the document has them.
    takers: Vec<(String, String)>,
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
                let headers = headers.filter(|name| !HARMLESS.contains(&name.as_str()));
                headers.for_each(|name| inputs.add_header(name, (id.to_owned(), shown.clone())));
                let mut names: Vec<_> = of_kind(MetaParamIn::Query).map(|query| query.name.clone()).collect();
                if id == UNDOCUMENTED.0 {
                    names.extend(UNDOCUMENTED.1.map(str::to_owned));
                }
                let ignores_others = !is_own && operation.method.is_safe();
                inputs.queries.insert(id.to_owned(), QueryParameters { names, ignores_others });
            }
        }
        inputs
    }

    fn add_header(&mut self, name: String, taker: (String, String)) {
        match self.headers.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&name)) {
            Some(known) => known.takers.push(taker),
            None => self.headers.push(OwnHeader { name, takers: vec![taker] }),
        }
    }

    /// Checks that the operation takes the headers and query parameters that it is sent.
    ///
    /// # Errors
    /// It does not take one of them, whatever its value.
    pub fn check(&self, request: &Request, operation_id: &str) -> Result<(), Error> {
        self.check_headers(request.headers(), request.method().is_safe(), operation_id)?;
        let Some(QueryParameters { names: known, ignores_others }) = self.queries.get(operation_id) else {
            return Ok(());
        };
        for (name, value) in query_parameters(request.uri()) {
            let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(&name));
            let is_harmless = HARMLESS_OPTIONS
                .iter()
                .any(|(option, only)| option.eq_ignore_ascii_case(&name) && only.eq_ignore_ascii_case(value));
            let is_ignored = *ignores_others && (is_harmless || !name.starts_with(ODATA));
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
        if !is_read && headers.contains_key(NEVER_TAKEN) {
            let remedy =
                "nothing that is changed has an ETag; PUT, PATCH and DELETE of a user take If-Unmodified-Since";
            return Err(refuse(NEVER_TAKEN, remedy));
        }
        let is_harmless = |own: &OwnHeader| is_read && HARMLESS_FOR_GET.contains(&own.name.as_str());
        let takes = |own: &OwnHeader| is_harmless(own) || own.takers.iter().any(|(id, _)| id == operation_id);
        match self.headers.iter().find(|own| headers.contains_key(&own.name) && !takes(own)) {
            None => Ok(()),
            Some(OwnHeader { name, takers }) => {
                let takers: Vec<_> = takers.iter().map(|(_, shown)| shown.as_str()).collect();
                Err(refuse(name, &format!("this operation does not take it; {} do", takers.join(" and "))))
            }
        }
    }
}

/// The query without the parameters that have no value: an empty value counts as left out. None when there are no such
/// parameters.
pub fn without_empty_parameters(query: &str) -> Option<String> {
    let is_empty = |part: &&str| part.split_once('=').is_none_or(|(_, value)| value.is_empty());
    let has_empty = !query.is_empty() && query.split('&').any(|part| is_empty(&part));
    has_empty.then(|| {
        let filled = query.split('&').filter(|part| !is_empty(part));
        filled.collect::<Vec<_>>().join("&")
    })
}

/// The query parameters: decoded names, with values as they are sent.
fn query_parameters(uri: &Uri) -> impl Iterator<Item = (String, &str)> {
    uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.replace('+', " ");
        (percent_decode_str(&name).decode_utf8_lossy().into_owned(), value)
    })
}

/// Checks that each query parameter is given once and can be read.
///
/// # Errors
/// One is given twice, in whatever spelling, or is no UTF-8.
pub fn check_query(uri: &Uri) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for (name, value) in query_parameters(uri) {
        let refuse = |problem| Err(Error::InvalidArgument(format!("Parameter {}: {problem}.", shortened(&name))));
        if percent_decode_str(value).decode_utf8().is_err() {
            return refuse("its value is no UTF-8");
        }
        if !seen.insert(name.to_ascii_lowercase()) {
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
    fn a_query_parameter_is_given_once_in_whatever_spelling() {
        for right in ["", "&", "a=1", "a=1&b=1", "a=%26a=2", "a=1&&b", "a=b=c", "%C3%B8=%C3%B8"] {
            assert_eq!(query(right), "", "{right}");
        }
        for twice in ["a=1&a=1", "a=1&a=2", "a&a", "a=1&A=2", "a=1&%61=2", "a+b=1&a%20b=2", "$top=1&%24TOP=1"] {
            assert!(query(twice).contains("more than once"), "{twice}: {}", query(twice));
        }
        assert!(query("a=%FF").contains("Parameter a: its value is no UTF-8"), "{}", query("a=%FF"));
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
    fn an_empty_query_parameter_counts_as_left_out() {
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
    fn a_header_is_known_by_one_rule() {
        let names: HashSet<_> = SINGLE.iter().chain(&LISTS).map(|name| name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), SINGLE.len() + LISTS.len());
    }
}
