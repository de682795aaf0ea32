//! Swagger UI and the console. Their routes are not part of the document.
//!
//! The files of `api/pages/` are compiled into the binary and served unchanged. No page loads anything from another
//! server.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use bytes::Bytes;
use include_dir::{Dir, File, include_dir};
use poem::{
    EndpointExt, IntoResponse, Request, Response,
    endpoint::{BoxEndpoint, make_sync},
    http::{Method, StatusCode, header},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, Registry},
};
use sha2::{Digest, Sha256};

use crate::api::openapi::common::RouteTable;

/// The folders of pages: the files, the path of `index.html`, and the additional Content-Security-Policy directives.
/// The other files are served below that path.
const FOLDERS: [(&Dir<'_>, &str, &str); 2] = [
    // Swagger UI has images in `data:` URLs.
    (&include_dir!("$CARGO_MANIFEST_DIR/src/api/pages/docs"), "/docs", "img-src 'self' data:"),
    // Trusted types keep scripts from turning text into markup.
    (
        &include_dir!("$CARGO_MANIFEST_DIR/src/api/pages/console"),
        "/_ext/console",
        "img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
];

/// The Content-Security-Policy of every page: only scripts and styles from our own files, and only calls to this
/// server.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The pages.
#[derive(Default)]
pub struct StaticFiles;

impl OpenApi for StaticFiles {
    fn meta() -> Vec<MetaApi> {
        Vec::new()
    }

    fn register(_: &mut Registry) {}

    fn add_routes(self, table: &mut RouteTable) {
        let to_docs = || StatusCode::FOUND.with_header(header::LOCATION, "/docs").into_response();
        let root = ("/".to_owned(), make_sync(move |_| to_docs()).boxed());
        let pages = PAGES.get_or_init(pages);
        let pages = pages.iter().map(|page| (page.path.clone(), endpoint(page)));
        for (path, endpoint) in pages.chain([root]) {
            table.insert(path, HashMap::from([(Method::GET, endpoint)]));
        }
    }
}

struct Page {
    path: String,
    media_type: &'static str,
    policy: String,
    /// Computed at the first request, because most servers serve only a few of their pages.
    content: LazyLock<Content, Box<dyn FnOnce() -> Content + Send>>,
}

/// The body of a response that clients may cache.
pub struct Content {
    body: Bytes,
    /// The ETag: a hash of the body.
    tag: String,
}

impl Content {
    pub fn of(body: Bytes) -> Self {
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        Self { body, tag }
    }
}

/// The pages. All servers in a process share them.
static PAGES: OnceLock<Vec<Page>> = OnceLock::new();

fn pages() -> Vec<Page> {
    FOLDERS.iter().flat_map(|(folder, path, may)| folder.files().map(|file| Page::of(file, path, may))).collect()
}

impl Page {
    fn of(file: &'static File<'static>, folder: &str, may: &str) -> Self {
        let name = file.path().to_string_lossy();
        let path = if name == "index.html" { folder.to_owned() } else { format!("{folder}/{name}") };
        let content = || Content::of(Bytes::from_static(file.contents()));
        Self {
            path,
            media_type: media_type(&name),
            policy: format!("{POLICY}; {may}"),
            content: LazyLock::new(Box::new(content)),
        }
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

fn endpoint(page: &'static Page) -> BoxEndpoint<'static> {
    make_sync(move |request| respond(&request, page.media_type, &page.policy, &page.content)).boxed()
}

/// The response with a content. Browsers may cache it but must revalidate it.
pub fn respond(request: &Request, media_type: &str, policy: &str, content: &Content) -> Response {
    let Content { body, tag } = content;
    let response = Response::builder()
        .content_type(media_type)
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::ETAG, tag);
    let mut known = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    if known.any(|known| known.contains(tag)) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.body(body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_load_only_files_that_are_served() {
        let pages = pages();
        let paths: Vec<_> = pages.iter().map(|page| page.path.as_str()).collect();
        for page in pages.iter().filter(|page| page.media_type.starts_with("text/html")) {
            let html = String::from_utf8_lossy(&page.content.body);
            let loaded = ["src=\"", "rel=\"stylesheet\" href=\"", "rel=\"icon\" href=\""];
            let loaded = loaded.iter().flat_map(|start| html.split(start).skip(1)).map(|rest| rest.split('"').next());
            let loaded: Vec<_> = loaded.flatten().collect();
            assert!(loaded.len() > 1, "{}", page.path);
            for address in loaded {
                assert!(paths.contains(&address), "{} loads {address}", page.path);
            }
            assert!(!html.contains("style=") && !html.contains("<style") && !html.contains("onclick"), "{}", page.path);
        }
    }

    #[test]
    fn every_file_has_the_right_media_type() {
        for page in &pages() {
            let is_text = page.media_type.starts_with("text/plain");
            let is_licence = ["LICENSE", "NOTICE", "VERSION"].iter().any(|name| page.path.contains(name));
            assert_eq!(is_text, is_licence, "{}", page.path);
        }
    }
}
