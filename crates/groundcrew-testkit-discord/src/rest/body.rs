use crate::error::ApiError;
use crate::validate::message::{Body, File};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            let form = Multipart::from_request(request, state).await.map_err(|_| ApiError::bad_json())?;
            return read_form(form).await;
        }
        let bytes = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::new(413, 40005, "Request entity too large"))?;
        if bytes.is_empty() {
            return Ok(Self { json: Value::Object(serde_json::Map::default()), files: Vec::new() });
        }
        let json = serde_json::from_slice(&bytes).map_err(|_| ApiError::bad_json())?;
        Ok(Self { json, files: Vec::new() })
    }
}

/// `payload_json` and `files[n]`.
async fn read_form(mut form: Multipart) -> Result<Body, ApiError> {
    let mut body = Body { json: Value::Object(serde_json::Map::default()), files: Vec::new() };
    while let Some(field) = form.next_field().await.map_err(|_| ApiError::bad_json())? {
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        let content_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let bytes = field.bytes().await.map_err(|_| ApiError::new(413, 40005, "Request entity too large"))?;
        match filename {
            None if name == "payload_json" => {
                body.json = serde_json::from_slice(&bytes).map_err(|_| ApiError::bad_json())?;
            }
            None => {}
            Some(filename) => {
                let number =
                    name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
                body.files.push(File { number, filename, content_type, bytes });
            }
        }
    }
    Ok(body)
}
