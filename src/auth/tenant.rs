//! The tenant: the customer's id that begins the paths of an online installation (docs/upstream.md §1.5).

use std::{fmt, str::FromStr};

use poem::{Request, http::Uri};

/// The id of a customer, such as `Cust12345`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant(String);

/// Marks a request that had the tenant at the start of its path. Links in its response begin with it, too.
#[derive(Clone, Debug)]
pub struct TenantPrefix(pub String);

/// The first letters of every customer's id.
const CUSTOMER: &str = "Cust";
const MAX_DIGITS: usize = 9;

impl FromStr for Tenant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.get(..CUSTOMER.len()).filter(|start| start.eq_ignore_ascii_case(CUSTOMER));
        let digits = digits.and_then(|_| text.get(CUSTOMER.len()..)).unwrap_or_default();
        let is_number = (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return Err(format!("expected {CUSTOMER} and a number, such as {CUSTOMER}12345"));
        }
        Ok(Self(format!("{CUSTOMER}{digits}")))
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tenant {
    /// Whether this is the tenant, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Takes the tenant from the beginning of the path of a request to the API, and marks the request.
    pub fn strip(&self, request: &mut Request) {
        let Some(rest) = self.rest(request.uri().path()) else { return };
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        // The host of an absolute target stays, because it is checked.
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = format!("{rest}{query}").parse().ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
            request.set_data(TenantPrefix(format!("/{self}")));
        }
    }

    /// The path after the tenant, if it is one of the API.
    fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        let (first, _) = path.strip_prefix('/')?.split_once('/')?;
        let rest = &path[1 + first.len()..];
        let is_api = rest[1..].split('/').next().is_some_and(|segment| segment.eq_ignore_ascii_case("api"));
        (is_api && self.is(first)).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_cust_and_a_number() {
        assert_eq!("cust12345".parse(), Ok(Tenant("Cust12345".to_owned())));
        for text in ["", "Cust", "12345", "Cust1234567890", "Cust12x", "Custé"] {
            assert!(text.parse::<Tenant>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_host_of_an_absolute_target_stays() {
        let mut request = Request::builder().uri_str("http://evil.example/Cust12345/api/v1/User?x=1").finish();
        Tenant("Cust12345".to_owned()).strip(&mut request);
        assert_eq!(request.uri().to_string(), "http://evil.example/api/v1/User?x=1");
    }

    #[test]
    fn only_paths_of_the_api_lose_the_tenant() {
        let tenant = Tenant("Cust12345".to_owned());
        for (path, rest) in [
            ("/Cust12345/api/v1/User/2", Some("/api/v1/User/2")),
            ("/cust12345/API", Some("/API")),
            ("/Cust12346/api/v1/User/2", None),
            ("/Cust12345/docs", None),
            ("/Cust12345", None),
            ("/Cust12345/", None),
            ("/api/v1/User/2", None),
            ("/", None),
        ] {
            assert_eq!(tenant.rest(path), rest, "{path}");
        }
    }
}
