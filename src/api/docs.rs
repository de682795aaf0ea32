//! Swagger UI and the document itself, in JSON and YAML.

use std::{collections::HashMap, sync::LazyLock};

use bytes::Bytes;
use poem::{
    EndpointExt, IntoResponse, Response,
    endpoint::{BoxEndpoint, make_sync},
    http::{Method, StatusCode, header},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, Registry},
};
use sha2::{Digest, Sha256};

use super::{document, operations::RouteTable};

/// Swagger UI is one page with its own script and style in it, and asks nobody else for anything.
const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; frame-ancestors 'none'";

/// A page must send its session's token: Swagger UI cannot read cookies by itself.
const WITH_SESSION: &str = "const withSession = request => {
        const token = document.cookie.split('; ').find(cookie => cookie.startsWith('XSRF-TOKEN='));
        if (token && !request.headers.Authorization) request.headers['X-XSRF-TOKEN'] ??= token.slice(11);
        return request;
    };";

/// The pages that show the API: routes like any other, but no part of the document.
#[derive(Default)]
pub struct Pages;

impl OpenApi for Pages {
    fn meta() -> Vec<MetaApi> {
        Vec::new()
    }

    fn register(_: &mut Registry) {}

    fn add_routes(self, table: &mut RouteTable) {
        let to_docs = || StatusCode::FOUND.with_header(header::LOCATION, "/docs").into_response();
        let [docs, json, yaml] = &*PAGES;
        let pages = [
            ("/", make_sync(move |_| to_docs()).boxed()),
            ("/docs", page(docs, "text/html; charset=utf-8")),
            ("/openapi.json", page(json, "application/json")),
            ("/openapi.yaml", page(yaml, "application/yaml")),
        ];
        for (path, endpoint) in pages {
            table.insert(path.to_owned(), HashMap::from([(Method::GET, endpoint)]));
        }
    }
}

/// A page's body, and the tag that changes with it.
type Page = (Bytes, String);

/// The pages, which are the same for every server of this program: Swagger UI, and the document in JSON and YAML.
static PAGES: LazyLock<[Page; 3]> = LazyLock::new(|| {
    let document = document::document();
    [swagger_ui(&document), format!("{document:#}\n"), yaml(&document)].map(|body| {
        let digest: String = Sha256::digest(&body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        (Bytes::from(body), format!("\"{digest}\""))
    })
});

/// A page that a browser may keep, and asks about again.
fn page((body, tag): &'static Page, media_type: &'static str) -> BoxEndpoint<'static> {
    make_sync(move |request| {
        let response = Response::builder()
            .content_type(media_type)
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::ETAG, tag);
        if request.header(header::IF_NONE_MATCH).is_some_and(|known| known.contains(tag)) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.body(body.clone())
    })
    .boxed()
}

/// The document in YAML.
///
/// # Panics
/// Never: every JSON value has a form in YAML.
pub fn yaml(document: &serde_json::Value) -> String {
    match serde_saphyr::to_string(document) {
        Ok(yaml) => yaml,
        Err(error) => unreachable!("JSON that is no YAML: {error}"),
    }
}

/// poem-openapi's page, with our document in place of the one it makes.
fn swagger_ui(document: &serde_json::Value) -> String {
    let html = document::service().swagger_ui_html();
    // Inside a script element, no character but `<` can end it.
    let document = document.to_string().replace('<', "\\u003c");
    let (head, rest) = html.split_once("let spec = ").unwrap_or((&html, ""));
    let tail = rest.find("let oauth2RedirectUrl").map_or("", |start| &rest[start..]);
    let options = "tryItOutEnabled: true, displayRequestDuration: true, validatorUrl: null, defaultModelsExpandDepth: 0, \
        deepLinking: true, requestInterceptor: withSession,";
    format!("<!doctype html>\n{head}{WITH_SESSION}\n    let spec = {document};\n    {tail}")
        .replacen("deepLinking: true,", options, 1)
        .replacen("<html charset=\"UTF-8\">", "<html lang=\"en\">", 1)
        .replacen("<title>Swagger UI</title>", "<title>kommando</title><link rel=\"icon\" href=\"data:,\">", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swagger_ui_shows_our_document_and_asks_nobody_else() {
        let page = swagger_ui(&serde_json::json!({"x": "</script>"}));
        assert!(page.contains(r#"let spec = {"x":"\u003c/script>"};"#));
        assert!(page.contains("validatorUrl: null") && page.contains("SwaggerUIBundle({"));
        assert!(page.contains("<title>kommando</title><link rel=\"icon\"") && page.contains(r#"<html lang="en">"#));
    }
}
