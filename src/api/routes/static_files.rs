//! Swagger UI and the console. Their routes are not part of the document.
//!
//! The files of `api/pages/` are compiled into the binary, compressed with gzip. No page loads anything from another server.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    sync::{LazyLock, OnceLock},
};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
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

use crate::api::{openapi::common::RouteTable, respond::content_negotiation::accepts_gzip};

/// The folders of pages: the compressed files, the path of `index.html`, and the additional Content-Security-Policy directives.
/// The other files are served below that path.
const FOLDERS: [(&Dir<'_>, &str, &str); 2] = [
    // Swagger UI has images in `data:` URLs.
    (&include_dir!("$OUT_DIR/pages/docs"), "/docs", "img-src 'self' data:"),
    // Trusted types keep scripts from turning text into markup.
    (
        &include_dir!("$OUT_DIR/pages/console"),
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

/// The body of a response that clients may cache, compressed and not.
pub struct Content {
    gzip: Bytes,
    /// Decompressed when a client asks for it.
    plain: OnceLock<Bytes>,
    /// A hash of the compressed body.
    hash: String,
}

impl Content {
    /// A body that is not compressed yet.
    ///
    /// # Errors
    /// Never: writing into memory does not fail.
    pub fn of(plain: String) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain.as_bytes())?;
        Ok(Self { plain: OnceLock::from(Bytes::from(plain)), ..Self::of_gzip(encoder.finish()?.into()) })
    }

    fn of_gzip(gzip: Bytes) -> Self {
        let hash = hex::encode(&Sha256::digest(&gzip)[..16]);
        Self { gzip, plain: OnceLock::new(), hash }
    }

    fn plain(&self) -> Bytes {
        let decompress = || {
            let mut plain = Vec::new();
            let read = GzDecoder::new(&*self.gzip).read_to_end(&mut plain);
            read.map(|_| Bytes::from(plain)).unwrap_or_else(|_| unreachable!("the build compressed it"))
        };
        self.plain.get_or_init(decompress).clone()
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
        let content = || Content::of_gzip(Bytes::from_static(file.contents()));
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
    let is_gzip = accepts_gzip(request.headers());
    let tag = format!("\"{}{}\"", content.hash, if is_gzip { "-gzip" } else { "" });
    let response = Response::builder()
        .content_type(media_type)
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::VARY, "Accept-Encoding")
        .header(header::ETAG, &tag);
    let mut known = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    if known.any(|known| known.contains(&tag)) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    match is_gzip {
        true => response.header(header::CONTENT_ENCODING, "gzip").body(content.gzip.clone()),
        false => response.body(content.plain()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_load_only_files_that_are_served() {
        let pages = pages();
        let paths: Vec<_> = pages.iter().map(|page| page.path.as_str()).collect();
        for page in pages.iter().filter(|page| page.media_type.starts_with("text/html")) {
            let html = page.content.plain();
            let html = String::from_utf8_lossy(&html);
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
