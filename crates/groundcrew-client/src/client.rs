use std::fmt;
use std::sync::Arc;

use http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::guard::Guard;
use crate::hosts::Hosts;
use crate::rate::Rate;
use crate::{ClientConfig, Request};

/// Calls other services over HTTP. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) config: ClientConfig,
    pub(crate) http: reqwest::Client,
    pub(crate) guard: Option<Guard>,
    pub(crate) trace: bool,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) places: Arc<Semaphore>,
    /// Those under way and those who wait.
    pub(crate) waiting: Arc<Semaphore>,
    pub(crate) rate: Option<Rate>,
}

/// A place among the calls that may be under way; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _waiting: OwnedSemaphorePermit,
}

// === impl Client ===

impl Client {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// A call of any method. What is wrong with the URL is said by [`Request::send`].
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> Request {
        Request::new(self.clone(), method, url.as_ref())
    }

    /// A `GET`.
    pub fn get(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::GET, url)
    }

    /// A `HEAD`.
    pub fn head(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::HEAD, url)
    }

    /// A `POST`. It is only tried again if it never left, or [`Request::idempotent`] says that it may.
    pub fn post(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::POST, url)
    }

    /// A `PUT`.
    pub fn put(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::PUT, url)
    }

    /// A `PATCH`. As for [`post`](Self::post), it is not idempotent by itself.
    pub fn patch(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::PATCH, url)
    }

    /// A `DELETE`.
    pub fn delete(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, url)
    }

    /// The client's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether a URL would be called at all: the scheme, and what a guard says of the URL itself. Where its name leads
    /// is only known when it is called. For forms in which strangers enter URLs.
    ///
    /// # Errors
    /// [`ClientError::Invalid`](crate::ClientError::Invalid) or
    /// [`ClientError::Blocked`](crate::ClientError::Blocked).
    pub fn check_url(&self, url: &str) -> Result<(), crate::ClientError> {
        crate::request::checked_url(&self.inner, url).map(drop)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    /// A place, as soon as there is one; none if too many wait already.
    pub(crate) async fn place(&self) -> Option<Place> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        Some(Place { _place: place, _waiting: waiting })
    }
}
