//! The web page at `/ui`: files of this program that use the REST API as any client does. They hold nothing of the
//! worker, so whoever may load them learns nothing; what the page then asks for is answered or refused like other calls.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::auth::Caller;
use super::resource::{Api, ok};

/// Where the page is. The slash at its end matters: the page names its files, and the API above it, relative to it, so
/// that it also works behind a proxy that puts a path before ours.
pub(super) const PAGE: &str = "/ui/";

/// The page needs its own files and the API, nothing else: no script or style inside the page, no other host, no frame
/// around it, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// Headers of every answer. Browsers keep the files but ask each time whether they are still the same, so that page and
/// worker are never of two versions.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// A file of the page.
#[derive(Debug)]
struct Asset {
    path: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($path:expr, $file:literal, $media_type:expr;)+) => {
        &[$(Asset { path: $path, media_type: $media_type, bytes: include_bytes!(concat!("../../ui/", $file)) },)+]
    };
}

macro_rules! scripts {
    ($($file:literal)+) => { assets! { $(concat!("/ui/", $file), $file, SCRIPT;)+ } };
}

const PAGES: &[Asset] = assets! {
    PAGE, "index.html", HTML;
    "/ui/style.css", "style.css", STYLE;
    "/ui/favicon.svg", "favicon.svg", IMAGE;
};

const SCRIPTS: &[Asset] = scripts! {
    "actions.js" "api.js" "connector.js" "connectors.js" "dialog.js" "dom.js" "editor.js" "field.js" "form.js" "format.js"
    "loggers.js" "main.js" "metrics.js" "offsets.js" "plot.js" "plugins.js" "rights.js" "store.js"
};

fn assets() -> impl Iterator<Item = &'static Asset> {
    PAGES.iter().chain(SCRIPTS)
}

/// The routes of the page.
pub(super) fn pages() -> Router<Api> {
    let to_page =
        || async { with_headers((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "ui/")]).into_response()) };
    let others = Router::new().route("/ui", get(to_page)).route("/ui/rights", get(rights));
    assets().fold(others, |router, asset| {
        let tag = tag(asset.bytes);
        router.route(asset.path, get(move |headers: HeaderMap| async move { answer(asset, &tag, &headers) }))
    })
}

/// `GET /ui/rights`: what the page may offer to its user.
async fn rights(caller: Caller) -> Response {
    #[derive(Serialize)]
    struct RightsEntity<'a> {
        user: Option<&'a str>,
        /// Names of connectors, in which `*` stands for any characters.
        change: Vec<&'a str>,
        loggers: &'static str,
    }
    let rights = caller.rights();
    let (change, loggers) = (rights.changeable(), rights.loggers().as_str());
    with_headers(ok(&RightsEntity { user: caller.user(), change, loggers }))
}

/// A tag that is another one for other bytes.
fn tag(bytes: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).expect("quoted hexadecimal digits are a header value")
}

fn answer(asset: &'static Asset, tag: &HeaderValue, request: &HeaderMap) -> Response {
    let mut response = if has(request, tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.media_type)], asset.bytes).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag.clone());
    with_headers(response)
}

/// True if the client has what the tag stands for (RFC 9110, `If-None-Match`).
fn has(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|list| list.split(','))
        .map(|entry| entry.trim().trim_start_matches("W/"))
        .any(|entry| entry == "*" || entry.as_bytes() == tag.as_bytes())
}

fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    use regex::Regex;

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.bytes).unwrap()
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
        let files: BTreeSet<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let served: BTreeSet<_> = assets()
            .map(|asset| asset.path.trim_start_matches(PAGE))
            .map(|name| match name {
                "" => "index.html".into(),
                name => name.into(),
            })
            .collect();
        assert_eq!(files, served);
    }

    #[test]
    fn what_the_page_names_is_served_and_nothing_comes_from_elsewhere() {
        let named = Regex::new(r##"(?:from|import|src=|href=)\s*"([^"#]+)""##).unwrap();
        let mut count = 0;
        for asset in assets() {
            for name in named.captures_iter(text(asset)) {
                let path = format!("{PAGE}{}", name[1].trim_start_matches("./"));
                assert!(assets().any(|asset| asset.path == path), "{} names {path}", asset.path);
                count += 1;
            }
            let without_names_of_languages = text(asset).replace("http://www.w3.org/2000/svg", "");
            for elsewhere in ["http://", "https://", "//cdn", "@import", "url("] {
                assert!(!without_names_of_languages.contains(elsewhere), "{} has {elsewhere}", asset.path);
            }
        }
        assert!(count > 30, "only {count} names were found");
    }

    #[test]
    fn nothing_in_the_page_needs_a_weaker_policy_or_makes_markup_of_text() {
        let page = text(&PAGES[0]);
        let inline = Regex::new(r#"(?i)<style|<script(?:[^>]*)>[^<]|\sstyle=|\son\w+=|javascript:"#).unwrap();
        assert!(!inline.is_match(page), "{:?}", inline.find(page));
        for script in SCRIPTS {
            for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
            {
                assert!(!text(script).contains(forbidden), "{} uses {forbidden}", script.path);
            }
        }
    }

    #[test]
    fn tags_tell_versions_apart() {
        let mut request = HeaderMap::new();
        let current = tag(b"new");
        assert!(!has(&request, &current));
        request.insert(header::IF_NONE_MATCH, tag(b"old"));
        assert!(!has(&request, &current));
        request.append(header::IF_NONE_MATCH, format!("\"x\", W/{}", current.to_str().unwrap()).parse().unwrap());
        assert!(has(&request, &current));
    }
}
