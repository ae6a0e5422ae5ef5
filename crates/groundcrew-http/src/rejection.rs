//! What axum's extractors refuse, as problems: `Result<Path<u32>, PathRejection>` in a handler and `?`, or
//! `Bytes::from_request(…).await?`.

use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use http::StatusCode;

use crate::Problem;

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE")
                .detail("the body is larger than this route reads"),
            status => Self::new(status, "BODY_CUT").detail("the body ended before it was complete"),
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        match rejection.status() {
            StatusCode::BAD_REQUEST => {
                Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(rejection.body_text())
            }
            status => Self::new(status, "INTERNAL_ERROR"),
        }
    }
}
