//! The part of Kubernetes' API server that keeps Leases: reads, creates and replaces by `resourceVersion`, asks who it
//! is and what they may, and fails as told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const NAMESPACE: &str = "parcels-production";

/// A running server, and the folder with the account of a pod.
pub(crate) struct Cluster {
    pub(crate) addr: SocketAddr,
    pub(crate) account: TempDir,
    desk: Arc<Desk>,
    _tasks: JoinSet<()>,
}

/// How the server fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It answers 500 and does nothing.
    Broken,
    /// It does what it is told and answers 500 to changes.
    Forgetful,
    /// It takes so long.
    Slow(Duration),
}

/// A change that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) at: Instant,
    pub(crate) spec: Value,
}

struct Desk {
    fault: Mutex<Fault>,
    token: Mutex<String>,
    verbs: Mutex<BTreeSet<&'static str>>,
    shelf: Mutex<Shelf>,
    /// How often changes were asked for, also those under way.
    updates: AtomicU32,
}

#[derive(Default)]
struct Shelf {
    version: u64,
    leases: BTreeMap<String, Value>,
    changes: Vec<Change>,
    conflicts: u32,
}

// === impl Cluster ===

impl Cluster {
    pub(crate) async fn start() -> Self {
        let desk = Arc::new(Desk {
            fault: Mutex::new(Fault::None),
            token: Mutex::default(),
            verbs: Mutex::new(BTreeSet::from(["get", "create", "update"])),
            shelf: Mutex::default(),
            updates: AtomicU32::new(0),
        });
        let leases = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";
        let app = Router::new()
            .route(leases, post(create))
            .route(&format!("{leases}/{{name}}"), get(read).put(replace))
            .with_state(Arc::clone(&desk));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        let account = tempfile::tempdir().expect("a folder");
        std::fs::write(account.path().join("namespace"), NAMESPACE).expect("it is written");
        let cluster = Self { addr, account, desk, _tasks: tasks };
        cluster.rotate_token("the first token");
        cluster
    }

    pub(crate) fn fault(&self, fault: Fault) {
        *self.desk.fault.lock() = fault;
    }

    /// Only this one is known from now on; the kubelet replaces the pod's.
    pub(crate) fn rotate_token(&self, token: &str) {
        std::fs::write(self.account.path().join("token"), format!("{token}\n")).expect("it is written");
        token.clone_into(&mut self.desk.token.lock());
    }

    pub(crate) fn allow(&self, verbs: impl IntoIterator<Item = &'static str>) {
        *self.desk.verbs.lock() = verbs.into_iter().collect();
    }

    /// What was accepted so far, in order.
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.desk.shelf.lock().changes.clone()
    }

    pub(crate) fn conflicts(&self) -> u32 {
        self.desk.shelf.lock().conflicts
    }

    pub(crate) fn updates(&self) -> u32 {
        self.desk.updates.load(Ordering::Relaxed)
    }

    pub(crate) fn lease(&self, name: &str) -> Option<Value> {
        self.desk.shelf.lock().leases.get(name).cloned()
    }

    /// Changes it as somebody else would.
    pub(crate) fn rewrite(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let all = &mut *self.desk.shelf.lock();
        let mut object = all.leases.get(name).cloned().expect("a lease");
        change(&mut object);
        all.put(name, object);
    }

    pub(crate) fn delete(&self, name: &str) {
        self.desk.shelf.lock().leases.remove(name);
    }
}

// === impl Desk ===

impl Desk {
    /// Who may do that, in the order in which Kubernetes asks.
    async fn admit(&self, verb: &'static str, name: &str, headers: &HeaderMap) -> Result<(), Response> {
        self.updates.fetch_add(u32::from(verb == "update"), Ordering::Relaxed);
        let fault = *self.fault.lock();
        if let Fault::Slow(delay) = fault {
            tokio::time::sleep(delay).await;
        }
        let sent = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if sent != format!("Bearer {}", self.token.lock()) {
            return Err(status(401, "Unauthorized", "Unauthorized"));
        }
        if !self.verbs.lock().contains(verb) {
            let message = format!(
                "leases.coordination.k8s.io \"{name}\" is forbidden: User \"system:serviceaccount:{NAMESPACE}:default\" \
                 cannot {verb} resource \"leases\" in API group \"coordination.k8s.io\" in the namespace \"{NAMESPACE}\""
            );
            return Err(status(403, "Forbidden", &message));
        }
        if fault == Fault::Broken {
            return Err(status(500, "InternalError", "etcdserver: request timed out"));
        }
        Ok(())
    }

    fn done(&self, code: StatusCode, object: Value) -> Response {
        if *self.fault.lock() == Fault::Forgetful {
            return status(500, "InternalError", "the answer was lost");
        }
        (code, Json(object)).into_response()
    }
}

async fn read(
    State(desk): State<Arc<Desk>>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = desk.admit("get", &name, &headers).await {
        return refused;
    }
    match desk.shelf.lock().leases.get(&name) {
        Some(object) => Json(object.clone()).into_response(),
        None => missing(&name),
    }
}

async fn create(
    State(desk): State<Arc<Desk>>,
    Path(namespace): Path<String>,
    headers: HeaderMap,
    Json(object): Json<Value>,
) -> Response {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if let Err(refused) = desk.admit("create", &name, &headers).await {
        return refused;
    }
    if namespace != NAMESPACE {
        return status(404, "NotFound", &format!("namespaces \"{namespace}\" not found"));
    }
    if let Some(wrong) = wrong_with(&object) {
        return status(422, "Invalid", wrong);
    }
    let mut shelf = desk.shelf.lock();
    if shelf.leases.contains_key(&name) {
        shelf.conflicts += 1;
        let message = format!("leases.coordination.k8s.io \"{name}\" already exists");
        return status(409, "AlreadyExists", &message);
    }
    let object = shelf.put(&name, object);
    drop(shelf);
    desk.done(StatusCode::CREATED, object)
}

async fn replace(
    State(desk): State<Arc<Desk>>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    Json(object): Json<Value>,
) -> Response {
    if let Err(refused) = desk.admit("update", &name, &headers).await {
        return refused;
    }
    if let Some(wrong) = wrong_with(&object) {
        return status(422, "Invalid", wrong);
    }
    let mut shelf = desk.shelf.lock();
    let Some(present) = shelf.leases.get(&name) else { return missing(&name) };
    let (present, wanted) = (&present["metadata"]["resourceVersion"], &object["metadata"]["resourceVersion"]);
    if wanted.as_str().is_none() {
        return status(422, "Invalid", "metadata.resourceVersion: must be specified for an update");
    }
    if present != wanted {
        shelf.conflicts += 1;
        let message = format!(
            "Operation cannot be fulfilled on leases.coordination.k8s.io \"{name}\": the object has been modified; \
             please apply your changes to the latest version and try again"
        );
        return status(409, "Conflict", &message);
    }
    let object = shelf.put(&name, object);
    drop(shelf);
    desk.done(StatusCode::OK, object)
}

// === impl Shelf ===

impl Shelf {
    fn put(&mut self, name: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.changes.push(Change { at: Instant::now(), spec: object["spec"].clone() });
        self.leases.insert(name.to_owned(), object.clone());
        object
    }
}

/// What Kubernetes refuses in a Lease.
fn wrong_with(object: &Value) -> Option<&'static str> {
    let spec = &object["spec"];
    let micro = |time: &Value| {
        time.as_str().is_some_and(|time| {
            let parts =
                time.split_once('.').map(|(head, tail)| (head.len(), tail.len(), time.ends_with('Z')));
            parts == Some(("2026-01-02T03:04:05".len(), "000000Z".len(), true))
        })
    };
    if object["apiVersion"] != "coordination.k8s.io/v1" || object["kind"] != "Lease" {
        Some("the kind is another one")
    } else if !micro(&spec["renewTime"]) || !micro(&spec["acquireTime"]) {
        Some("a time is no MicroTime")
    } else if spec["leaseDurationSeconds"].as_i64().is_none_or(|seconds| seconds <= 0) {
        Some("spec.leaseDurationSeconds: must be greater than 0")
    } else if spec["leaseTransitions"].as_i64().is_none_or(|count| count < 0) {
        Some("spec.leaseTransitions: must be greater than or equal to 0")
    } else {
        None
    }
}

fn missing(name: &str) -> Response {
    status(404, "NotFound", &format!("leases.coordination.k8s.io \"{name}\" not found"))
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    (StatusCode::from_u16(code).expect("a status"), Json(body)).into_response()
}
