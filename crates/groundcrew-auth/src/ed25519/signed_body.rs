use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRef, FromRequest, Request};
use groundcrew_http::{Problem, StatusCode};

use super::{Verifier, VerifyError};
use crate::clock;

/// The body of a request whose signature is right, byte for byte as it was signed.
///
/// The state of the router is a [`Verifier`], or has one ([`FromRef`]). A signature that is missing is refused before
/// the body is read.
#[derive(Debug, Clone)]
pub struct SignedBody(pub Bytes);

// === impl SignedBody ===

impl<S> FromRequest<S> for SignedBody
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let verifier = Verifier::from_ref(state);
        let claimed = verifier.claimed(request.headers(), clock::now()).map_err(refused)?;
        let body = to_bytes(request.into_body(), verifier.limit()).await.map_err(|_| {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE")
                .detail(format!("the body could not be read; at most {} bytes are taken", verifier.limit()))
        })?;
        verifier.check(&claimed, &body).map_err(refused)?;
        Ok(Self(body))
    }
}

fn refused(error: VerifyError) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "BAD_SIGNATURE").detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use http::HeaderMap;
    use tower::ServiceExt as _;

    use super::*;
    use crate::ed25519::Signer;

    async fn answer(verifier: Verifier, headers: HeaderMap, body: &'static str) -> (StatusCode, Bytes) {
        let routes = Router::new()
            .route("/", post(|SignedBody(body): SignedBody| async { body }))
            .with_state(verifier);
        let mut request = Request::post("/").body(Body::from(body)).expect("a request");
        *request.headers_mut() = headers;
        let response = routes.oneshot(request).await.expect("an answer");
        let status = response.status();
        (status, to_bytes(response.into_body(), 1 << 16).await.expect("a body"))
    }

    #[tokio::test]
    async fn the_handler_gets_the_body_as_it_was_signed() {
        let signer = Signer::generate();
        let verifier = Verifier::parse(&signer.public_key()).expect("a key");
        let headers = signer.sign(b"{ \"type\" : 1 }").into_iter().collect();
        let (status, body) = answer(verifier, headers, "{ \"type\" : 1 }").await;
        assert_eq!((status, &*body), (StatusCode::OK, &b"{ \"type\" : 1 }"[..]));
    }

    #[tokio::test]
    async fn a_bad_or_missing_signature_is_401_and_the_handler_is_not_asked() {
        let signer = Signer::generate();
        let verifier = Verifier::parse(&signer.public_key()).expect("a key");
        for headers in [HeaderMap::new(), signer.sign(b"other").into_iter().collect()] {
            let (status, body) = answer(verifier.clone(), headers, "{}").await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert!(String::from_utf8_lossy(&body).contains("BAD_SIGNATURE"));
        }
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused() {
        let signer = Signer::generate();
        let verifier = Verifier::parse(&signer.public_key()).expect("a key").body_limit(4);
        let (status, _) = answer(verifier, signer.sign(b"12345").into_iter().collect(), "12345").await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
