use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_client::{Client, Request, Response, StatusCode};
use groundcrew_config::Secret;
use serde_json::Value;

use super::record::Record;
use crate::error::Trouble;

/// The API server, as far as one Lease goes. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Api(Arc<Place>);

/// Where the Lease is, and how to get there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) client: Client,
    /// Such as `https://10.0.0.1:443`.
    pub(crate) url: String,
    pub(crate) namespace: String,
    pub(crate) object: String,
    pub(crate) token: PathBuf,
    /// How long one call may take.
    pub(crate) patience: Duration,
}

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Written {
    Done(Record),
    /// Somebody else changed it since we read it.
    Conflict,
    /// There is no such object any more.
    Gone,
}

// === impl Api ===

impl Api {
    pub(crate) fn new(place: Place) -> Self {
        Self(Arc::new(place))
    }

    /// What to [`create`](Self::create) where nothing is.
    pub(crate) fn first(&self, holder: &str, duration: Duration) -> Record {
        Record::first(&self.0.namespace, &self.0.object, holder, duration)
    }

    pub(crate) async fn read(&self) -> Result<Option<Record>, Trouble> {
        let response = self.call("get", self.0.client.get(self.object())).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(record(response).await?)),
            _ => Err(self.refused("get", response).await),
        }
    }

    /// `None` if somebody else was quicker.
    pub(crate) async fn create(&self, record_: &Record) -> Result<Option<Record>, Trouble> {
        let request = self.0.client.post(self.collection()).json(record_.object());
        let response = self.call("create", request).await?;
        match response.status() {
            StatusCode::CONFLICT => Ok(None),
            status if status.is_success() => Ok(Some(record(response).await?)),
            _ => Err(self.refused("create", response).await),
        }
    }

    /// Writes what was made of the record that was read, if that is still what is there.
    pub(crate) async fn replace(&self, record_: &Record) -> Result<Written, Trouble> {
        let request = self.0.client.put(self.object()).json(record_.object());
        let response = self.call("update", request).await?;
        match response.status() {
            StatusCode::CONFLICT => Ok(Written::Conflict),
            StatusCode::NOT_FOUND => Ok(Written::Gone),
            status if status.is_success() => Ok(Written::Done(record(response).await?)),
            _ => Err(self.refused("update", response).await),
        }
    }

    async fn call(&self, verb: &str, request: Request) -> Result<Response, Trouble> {
        let place = &*self.0;
        // Each time: it is replaced every hour or so, long before it ends. The file is in memory.
        let token = std::fs::read_to_string(&place.token).map_err(|error| {
            Trouble(format!("the service account's token {} cannot be read: {error}", place.token.display()))
        })?;
        let request = request.bearer(&Secret::new(token.trim().to_owned())).timeout(place.patience);
        request.send().await.map_err(|error| Trouble(format!("cannot {verb} {}: {error}", self.what())))
    }

    /// What an answer means that is none of the expected.
    async fn refused(&self, verb: &str, response: Response) -> Trouble {
        let (status, place) = (response.status(), &*self.0);
        let body: Value = response.json().await.unwrap_or_default();
        let message = body["message"].as_str().unwrap_or("no message");
        Trouble(match status {
            StatusCode::FORBIDDEN => format!(
                "the service account may not {verb} {}: it needs a Role with the verbs get, create and update on \
                 leases of coordination.k8s.io, and a RoleBinding to it; Kubernetes says: {message}",
                self.what()
            ),
            StatusCode::UNAUTHORIZED => format!(
                "Kubernetes does not know the service account's token from {}: {message}",
                place.token.display()
            ),
            StatusCode::NOT_FOUND => {
                format!("cannot {verb} {}: is there such a namespace? {message}", self.what())
            }
            _ => format!("cannot {verb} {}: Kubernetes answered {status}: {message}", self.what()),
        })
    }

    fn what(&self) -> String {
        format!("the Lease `{}` in the namespace `{}`", self.0.object, self.0.namespace)
    }

    fn collection(&self) -> String {
        format!("{}/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.0.url, self.0.namespace)
    }

    fn object(&self) -> String {
        format!("{}/{}", self.collection(), self.0.object)
    }
}

async fn record(response: Response) -> Result<Record, Trouble> {
    response.json().await.map(Record::of).map_err(Trouble::new)
}
