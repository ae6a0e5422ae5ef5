use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;

/// A JSON body, in and out, whose refusals are problems: where it went wrong and what was expected.
///
/// | refused | status, code | members |
/// |---|---|---|
/// | no `content-type: application/json` | 415 `UNSUPPORTED_MEDIA_TYPE` | |
/// | larger than the limit | 413 `BODY_TOO_LARGE` | |
/// | not JSON | 400 `INVALID_JSON` | `line`, `column` |
/// | JSON of another shape | 400 `INVALID_REQUEST` | `field`, `line`, `column` |
///
/// ```
/// use groundcrew_http::{Json, axum::{Router, routing::post}};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Parcel {
///     grams: u32,
/// }
///
/// async fn weigh(Json(parcel): Json<Parcel>) -> Json<u32> {
///     Json(parcel.grams)
/// }
///
/// let app: Router = Router::new().route("/parcels", post(weigh));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(CONTENT_TYPE);
        if !content_type.is_some_and(|value| is_json(value.as_bytes())) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
                .detail("this route reads JSON: send `content-type: application/json`"));
        }
        let bytes = Bytes::from_request(request, state).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// `application/json` and `application/…+json`, whatever parameters follow.
fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let Some((family, kind)) = essence.split_first_chunk::<12>() else { return false };
    let suffix = kind.len().checked_sub(5).map(|at| &kind[at..]);
    family.eq_ignore_ascii_case(b"application/")
        && (kind.eq_ignore_ascii_case(b"json")
            || suffix.is_some_and(|end| end.eq_ignore_ascii_case(b"+json")))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        Problem::from_json(&error.into_inner(), Some(&field).filter(|field| field.as_str() != "."))
    })?;
    deserializer.end().map_err(|error| Problem::from_json(&error, None))?;
    Ok(value)
}

impl Problem {
    /// The problem of a body that `serde_json` refused: `INVALID_JSON`, or `INVALID_REQUEST` where it is JSON
    /// of another shape; with line, column, and the field where it is known.
    pub fn from_json(error: &serde_json::Error, field: Option<&String>) -> Self {
        let said = error.to_string();
        let words = said.rsplit_once(" at line ").map_or(said.as_str(), |(words, _)| words).to_owned();
        let code = if error.is_data() { "INVALID_REQUEST" } else { "INVALID_JSON" };
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, code);
        let (line, column) = (error.line(), error.column());
        let place = if line == 0 { String::new() } else { format!("line {line}, column {column}: ") };
        if line > 0 {
            problem = problem.with("line", line).with("column", column);
        }
        match field {
            Some(field) => problem.detail(format!("{place}`{field}`: {words}")).with("field", field.clone()),
            None => problem.detail(format!("{place}{words}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Parcel {
        #[expect(dead_code, reason = "only its type matters")]
        weights: Vec<u32>,
    }

    async fn refusal(content_type: &str, body: &'static str) -> (StatusCode, Value) {
        let request =
            Request::post("/").header(CONTENT_TYPE, content_type).body(Body::from(body)).expect("fits");
        let problem = Json::<Parcel>::from_request(request, &()).await.expect_err("is refused");
        let status = problem.status();
        let body = axum::body::to_bytes(problem.into_response().into_body(), 4096).await.expect("fits");
        (status, serde_json::from_slice(&body).expect("a problem is JSON"))
    }

    #[tokio::test]
    async fn broken_json_names_the_place_and_what_was_expected() {
        let (status, body) = refusal("application/json", "{\"weights\":\n  [1, }").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(
            (&body["code"], &body["line"], &body["column"]),
            (&"INVALID_JSON".into(), &2.into(), &7.into())
        );
        assert!(body["detail"].as_str().is_some_and(|words| words.contains("expected value")), "{body}");
    }

    #[tokio::test]
    async fn another_shape_names_the_field() {
        let (_, body) = refusal("application/json; charset=utf-8", r#"{"weights": [1, "two"]}"#).await;
        assert_eq!((&body["code"], &body["field"]), (&"INVALID_REQUEST".into(), &"weights[1]".into()));
        assert!(body["detail"].as_str().is_some_and(|words| words.contains("expected u32")), "{body}");
    }

    #[tokio::test]
    async fn what_follows_the_document_is_refused() {
        let (_, body) = refusal("application/problem+json", r#"{"weights": []} x"#).await;
        assert_eq!(body["code"], "INVALID_JSON");
    }

    #[tokio::test]
    async fn another_media_type_is_refused() {
        for content_type in ["text/plain", "application/jsonp", "json"] {
            let (status, body) = refusal(content_type, "{}").await;
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(body["code"], "UNSUPPORTED_MEDIA_TYPE");
        }
    }
}
