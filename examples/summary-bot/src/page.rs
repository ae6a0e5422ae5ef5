//! The page at `/` and the documentation at `/docs`: files in the binary, no outside host, no inline script.

use groundcrew::http::axum::Router;
use groundcrew::http::axum::http::HeaderName;
use groundcrew::http::axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use groundcrew::http::axum::routing::get;

/// Only our own scripts, styles and answers; no frames, no forms to elsewhere.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", file(HTML, include_str!("../page/index.html")))
        .route("/app.js", file(SCRIPT, include_str!("../page/app.js")))
        .route("/servers.js", file(SCRIPT, include_str!("../page/servers.js")))
        .route("/app.css", file(STYLE, include_str!("../page/app.css")))
        .route("/docs", file(HTML, include_str!("../page/docs.html")))
        .route("/docs.js", file(SCRIPT, include_str!("../page/docs.js")))
        .route("/icon.svg", file("image/svg+xml", include_str!("../page/icon.svg")))
        .route("/sample.json", file("application/json", include_str!("../samples/release-planning.json")))
}

type Answer = ([(HeaderName, &'static str); 3], &'static str);

fn file(kind: &'static str, content: &'static str) -> groundcrew::http::axum::routing::MethodRouter {
    let headers = [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-cache")];
    let answer: Answer = (headers, content);
    get(move || std::future::ready(answer))
}
