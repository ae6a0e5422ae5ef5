use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use groundcrew_config::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use url::Url;

use crate::client::Inner;
use crate::hosts::name_of;
use crate::{Client, ClientError, Response};

/// A call in the making. What is wrong with it is said by [`send`](Self::send).
#[must_use = "nothing is called before `send`"]
pub struct Request {
    client: Client,
    url: Result<Url, ClientError>,
    pub(crate) parts: Parts,
}

/// What each attempt sends, and how long the call may take.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) idempotent: bool,
    pub(crate) total: Option<Duration>,
    pub(crate) attempt: Option<Duration>,
    pub(crate) max_response: Option<u64>,
}

// === impl Request ===

impl Request {
    pub(crate) fn new(client: Client, method: Method, url: &str) -> Self {
        let url = checked_url(&client.inner, url);
        let idempotent = crate::verdict::is_idempotent(&method);
        let parts = Parts {
            method,
            headers: HeaderMap::new(),
            body: None,
            idempotent,
            total: None,
            attempt: None,
            max_response: None,
        };
        Self { client, url, parts }
    }

    /// Sets a header. A value that must not be seen belongs into [`secret_header`](Self::secret_header).
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self.insert(name, value),
            (Err(_), _) => self.invalid("a header's name has characters that are not allowed"),
            (Ok(name), Err(_)) => {
                self.invalid(format!("the header `{name}` has a value with characters that are not allowed"))
            }
        }
    }

    /// Sets a header whose value is shown nowhere.
    pub fn secret_header<N: TryInto<HeaderName>>(self, name: N, value: &Secret<String>) -> Self {
        match HeaderValue::try_from(value.expose().as_str()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.header(name, value)
            }
            Err(_) => self.invalid("a secret header has a value with characters that are not allowed"),
        }
    }

    /// Sets `authorization: Bearer …`.
    pub fn bearer(self, token: &Secret<String>) -> Self {
        self.secret_header(AUTHORIZATION, &Secret::new(format!("Bearer {}", token.expose())))
    }

    /// Adds pairs to the query of the URL.
    pub fn query<K: AsRef<str>, V: AsRef<str>>(mut self, pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// Sends bytes. The content type is for you to set.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.parts.body = Some(body.into());
        self
    }

    /// Sends a value as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => {
                self.insert_default(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body)
            }
            Err(error) => self.invalid(format!("its body cannot be written as JSON: {error}")),
        }
    }

    /// Sends pairs as a form.
    pub fn form<K: AsRef<str>, V: AsRef<str>>(self, pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.insert_default(CONTENT_TYPE, kind).body(body)
    }

    /// Says that the server may get this call twice without harm, by its nature or because of a key that it knows
    /// repetitions by. It is tried again then like a `GET`.
    pub fn idempotent(mut self) -> Self {
        self.parts.idempotent = true;
        self
    }

    /// Says that this call must reach the server at most once, whatever its method.
    pub fn at_most_once(mut self) -> Self {
        self.parts.idempotent = false;
        self
    }

    /// How long the call may take, instead of `total_timeout`; also with an answer in chunks.
    pub fn timeout(mut self, total: Duration) -> Self {
        self.parts.total = Some(total);
        self
    }

    /// How long each attempt may take until the head of the answer is there, instead of `attempt_timeout`.
    pub fn attempt_timeout(mut self, attempt: Duration) -> Self {
        self.parts.attempt = Some(attempt);
        self
    }

    /// How many bytes the body of the answer may have, instead of `max_response`.
    pub fn max_response(mut self, bytes: u64) -> Self {
        self.parts.max_response = Some(bytes);
        self
    }

    /// Makes the call, and returns when the head of an answer is there, of whatever status: also one that says
    /// 503 for the last time.
    ///
    /// Dropping the future ends the call; whether the server did what was asked is not known then.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn send(self) -> Result<Response, ClientError> {
        crate::send::send(self.client, self.url?, self.parts).await
    }

    fn insert(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.parts.headers.insert(name, value);
        self
    }

    /// What was set by hand before stays.
    fn insert_default(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.parts.headers.entry(name).or_insert(value);
        self
    }

    /// The first problem is the one that is reported.
    fn invalid(mut self, problem: impl Into<String>) -> Self {
        if self.url.is_ok() {
            let client = self.client.inner.name.clone();
            self.url = Err(ClientError::Invalid { client, problem: problem.into() });
        }
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("client", &self.client.inner.name)
            .field("method", &self.parts.method)
            .field("host", &self.url.as_ref().map(name_of).unwrap_or_default())
            .finish_non_exhaustive()
    }
}

/// A URL that this client may call.
pub(crate) fn checked_url(client: &Inner, url: &str) -> Result<Url, ClientError> {
    let name = || client.name.clone();
    let invalid = |problem: &str| ClientError::Invalid { client: name(), problem: problem.to_owned() };
    let url = Url::parse(url).map_err(|error| invalid(&format!("its URL cannot be read: {error}")))?;
    if let Some(guard) = &client.guard {
        guard.check(&url).map_err(|refusal| ClientError::Blocked {
            client: name(),
            host: name_of(&url),
            refusal,
        })?;
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid("its URL must begin with https:// or http://"));
    }
    Ok(url)
}
