use std::net::SocketAddr;
use std::time::Duration;

use groundcrew_config::Secret;
use groundcrew_http::axum::extract::{ConnectInfo, Path, State};
use groundcrew_http::axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use groundcrew_http::axum::http::{HeaderMap, StatusCode};
use groundcrew_http::axum::response::{IntoResponse, Response};
use groundcrew_http::axum::routing::{get, post};
use groundcrew_http::axum::{Json, Router, middleware};
use groundcrew_http::{Problem, RequestTimeout};
use groundcrew_runtime::{Crew, OperationError};
use groundcrew_telemetry::{Context, Directives, LogHandle};
use serde_json::{Value, json};

use crate::operate::TIMEOUT;
use crate::site::{self, Guard};

/// After how long a changed level returns when nothing else is said.
const DEFAULT_RETURN: Duration = Duration::from_secs(15 * 60);

/// So long before its time is over a request for an operation hears that this goes on.
const NOTICE: Duration = Duration::from_secs(5);

/// What an operator may see and do over the admin listener besides probes and metrics.
#[derive(Clone)]
struct Operator {
    crew: Crew,
    log: LogHandle,
    token: Option<Secret<String>>,
}

/// `GET /tasks` shows every background task with its state, restarts, last error and age. `GET /log-level` says which
/// level is in force; `PUT /log-level {"level": "debug", "seconds": 60}` changes it until it returns by itself.
/// `GET /operations` lists what the parts of the service offer to operators, and
/// `POST /operations/{name} ["word", …]` does it, to the end even where nobody waits for that any more. None of it is
/// for the pages of other sites.
pub(crate) fn routes(crew: Crew, log: LogHandle, token: Option<Secret<String>>) -> Router {
    let guard = Guard { has_token: token.is_some() };
    let operator = Operator { crew, log, token };
    Router::new()
        .route("/tasks", get(tasks))
        .route("/log-level", get(show).put(change))
        .route("/operations", get(operations))
        .route("/operations/{name}", post(operate).layer(RequestTimeout::new(TIMEOUT)))
        .route_layer(middleware::from_fn_with_state(guard, site::guard))
        .with_state(operator)
}

async fn tasks(State(operator): State<Operator>) -> Json<Value> {
    let tasks = operator.crew.tasks();
    let shown = tasks.iter().map(|task| {
        json!({
            "name": task.name,
            "critical": task.critical,
            "state": task.state.name(),
            "restarts": task.restarts,
            "last_error": task.last_error,
            "age_seconds": task.age.as_secs_f64(),
        })
    });
    Json(shown.collect())
}

async fn operations(State(operator): State<Operator>) -> Json<Value> {
    let offered = operator.crew.operations();
    Json(offered.iter().map(|offered| json!({"name": offered.name, "help": offered.help})).collect())
}

async fn operate(
    State(operator): State<Operator>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(name): Path<String>,
    words: String,
) -> Result<Response, Problem> {
    permit(operator.token.as_ref(), peer, &headers)?;
    let words: Vec<String> = serde_json::from_str(&words).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail("send a JSON array of words")
    })?;
    let context = groundcrew_telemetry::current().unwrap_or_else(|| Context::random().into_arc());
    let patience = context.remaining().unwrap_or(TIMEOUT).saturating_sub(NOTICE);
    let (crew, title) = (operator.crew.clone(), format!("operation {name}"));
    let work = async move { crew.operate(&name, words).await };
    // Dropped half way it could do harm: a job that is queued again and still dead.
    let done = operator.crew.detach(title, context.detached().into_arc().scope(work));
    let Ok(answer) = tokio::time::timeout(patience, done).await else { return Err(still_running()) };
    match answer.unwrap_or_else(|_| Err(OperationError::Failed("it was cut short; see the log".into()))) {
        Ok(json) => Ok(([(CONTENT_TYPE, "application/json")], json).into_response()),
        Err(error) => Err(refusal(&error)),
    }
}

fn still_running() -> Problem {
    let detail = "the operation takes long; it goes on to its end, so do not ask for it again before";
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "STILL_RUNNING").retryable(false).detail(detail)
}

fn refusal(error: &OperationError) -> Problem {
    let (status, code) = match error {
        OperationError::Usage(_) => (StatusCode::BAD_REQUEST, "USAGE"),
        OperationError::Unknown { .. } => (StatusCode::NOT_FOUND, "UNKNOWN_OPERATION"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "OPERATION_FAILED"),
    };
    Problem::new(status, code).detail(error.to_string())
}

async fn show(State(operator): State<Operator>) -> Json<Value> {
    Json(body(&operator.log))
}

async fn change(
    State(operator): State<Operator>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(wish): Json<Value>,
) -> Result<Json<Value>, Problem> {
    permit(operator.token.as_ref(), peer, &headers)?;
    let invalid = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(detail);
    let level =
        wish["level"].as_str().ok_or_else(|| invalid("`level` must be text such as `debug`".into()))?;
    let level: Directives = level.parse().map_err(|error| invalid(format!("level: {error}")))?;
    let seconds = match &wish["seconds"] {
        Value::Null => DEFAULT_RETURN,
        seconds => Duration::from_secs(
            seconds.as_u64().ok_or_else(|| invalid("`seconds` must be a whole number".into()))?,
        ),
    };
    tracing::info!(log.level = %level, returns_in = ?seconds, "log level changed");
    operator.log.set_level(level, Some(seconds));
    Ok(Json(body(&operator.log)))
}

fn body(log: &LogHandle) -> Value {
    json!({"level": log.level().to_string(), "returns_in_seconds": log.reverts_in().map(|left| left.as_secs())})
}

/// With `admin.token` its bearer may change things; without it only this machine may.
fn permit(token: Option<&Secret<String>>, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let permitted = match token {
        Some(token) => given.is_some_and(|given| same(given, token.expose().as_bytes())),
        // On a listener for both families this machine is ::ffff:127.0.0.1.
        None => peer.ip().to_canonical().is_loopback(),
    };
    if permitted {
        return Ok(());
    }
    let detail = "this needs the token in admin.token, or without one a connection from this machine";
    Err(Problem::new(StatusCode::FORBIDDEN, "ADMIN_ONLY").detail(detail))
}

/// Compares in a time that does not tell how much was right.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let differences = given.iter().zip(wanted).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == wanted.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use groundcrew_http::axum::ServiceExt;
    use groundcrew_http::axum::body::Body;
    use groundcrew_http::axum::extract::Request;
    use tokio::sync::Notify;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    fn permitted(token: Option<&str>, peer: SocketAddr, headers: &HeaderMap) -> bool {
        permit(token.map(|token| Secret::new(token.to_owned())).as_ref(), peer, headers).is_ok()
    }

    fn bearer(token: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
    }

    const NEAR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
    const FAR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 1);

    /// The admin listener of a service that runs until the runtime is dropped.
    struct Listening {
        address: SocketAddr,
        crew: Crew,
        runtime: tokio::runtime::Runtime,
    }

    impl Listening {
        fn start(token: Option<&str>) -> Self {
            let runtime = groundcrew_runtime::RuntimeConfig::default().build().unwrap();
            let logging =
                groundcrew_telemetry::Logging::new("test", groundcrew_telemetry::LogConfig::default());
            let (address, crew) = runtime.block_on(async {
                let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
                crew.operation("erase", "erases", async |_words| Ok(json!("erased").to_string()));
                let (_, log) = logging.build().unwrap();
                let admin = groundcrew_http::AdminConfig::ephemeral().bind(&crew).await.unwrap();
                let address = admin.local_addr().unwrap();
                admin.serve(routes(crew.clone(), log, token.map(|token| Secret::new(token.to_owned()))));
                (address, crew)
            });
            Self { address, crew, runtime }
        }

        fn ask(&self, request: &str, host: &str, lines: &str) -> (u16, String) {
            let head = format!("{request} HTTP/1.1\r\nhost: {host}\r\n{lines}");
            let place = crate::local::Place::Tcp(self.address);
            let answer = place.send(&head, r#"["123"]"#, Duration::from_secs(20)).unwrap();
            (answer.status, answer.body)
        }
    }

    #[test]
    fn an_operator_is_answered_until_the_end_of_the_drain_and_not_any_longer() {
        let admin = Listening::start(None);
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let crew = admin.crew.clone();
        let landing = admin.runtime.spawn(async move {
            crew.detach("work", async move { _ = released.await });
            crew.land().await
        });
        // Where it left with the public listener, this task would end only once it had.
        let leaving =
            || admin.crew.tasks().iter().any(|task| task.name == "admin" && task.state.name() != "running");
        while !leaving() {
            std::thread::yield_now();
        }
        for request in ["GET /metrics", ERASE] {
            assert_eq!(admin.ask(request, "localhost", "").0, 200, "{request}");
        }
        release.send(()).unwrap();
        let receipt = admin.runtime.block_on(landing).unwrap();
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
        assert!(std::net::TcpStream::connect(admin.address).is_err());
    }

    /// An operation that says when it begins and when it ends, and ends when it may.
    fn slow_operation(crew: &Crew) -> (Arc<Notify>, UnboundedReceiver<&'static str>) {
        let (say, said) = unbounded_channel();
        let may_end = Arc::new(Notify::new());
        let held = may_end.clone();
        crew.operation("slow", "takes long", move |_words| {
            let (say, held) = (say.clone(), held.clone());
            async move {
                say.send("begun").unwrap();
                held.notified().await;
                say.send("done").unwrap();
                Ok("1".to_owned())
            }
        });
        (may_end, said)
    }

    /// The answer to `POST /operations/slow`, of a server whose own patience is 30 s.
    async fn ask_for_slow(crew: Crew) -> Response {
        let logging = groundcrew_telemetry::Logging::new("test", groundcrew_telemetry::LogConfig::default());
        let (_, log) = logging.build().unwrap();
        let request =
            groundcrew_http::axum::http::Request::post("/operations/slow").header("host", "localhost");
        let request = request.extension(ConnectInfo(NEAR)).body(Body::from("[]")).unwrap();
        let context = Context::random().with_timeout(Duration::from_secs(30)).into_arc();
        context.scope(call(routes(crew, log, None), request)).await.unwrap()
    }

    async fn json_of(answer: Response) -> Value {
        let body = groundcrew_http::axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    async fn call<S: ServiceExt<Request>>(mut service: S, request: Request) -> Result<S::Response, S::Error> {
        service.call(request).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_goes_on_to_its_end_when_the_operator_has_gone() {
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
        let (may_end, mut said) = slow_operation(&crew);
        let asked = tokio::spawn(ask_for_slow(crew.clone()));
        assert_eq!(said.recv().await, Some("begun"));
        asked.abort();
        assert!(asked.await.is_err_and(|gone| gone.is_cancelled()));
        may_end.notify_one();
        let done = tokio::time::timeout(TIMEOUT, said.recv()).await;
        assert_eq!(done, Ok(Some("done")));
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_long_operation_is_said_that_it_goes_on_before_the_command_gives_up() {
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
        let (may_end, mut said) = slow_operation(&crew);
        let began = tokio::time::Instant::now();
        let answer = ask_for_slow(crew.clone()).await;
        let took = began.elapsed();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        let notice = Duration::from_secs(4);
        assert!(took > Duration::from_secs(40) && took + notice < TIMEOUT, "{took:?}");
        let problem = json_of(answer).await;
        assert!(problem["code"] == "STILL_RUNNING" && problem["retryable"] == false, "{problem}");
        may_end.notify_one();
        let ending = async { (said.recv().await, said.recv().await) };
        let ending = tokio::time::timeout(TIMEOUT, ending).await;
        assert_eq!(ending, Ok((Some("begun"), Some("done"))));
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_has_no_deadline_of_whoever_asks_for_it() {
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
        crew.operation("slow", "says how long it has", async |_words| {
            let left = groundcrew_telemetry::current().map(|context| context.remaining());
            Ok(json!(format!("{left:?}")).to_string())
        });
        assert_eq!(json_of(ask_for_slow(crew.clone()).await).await, "Some(None)");
    }

    #[tokio::test(start_paused = true)]
    async fn of_an_operation_that_panics_is_said_that_it_was_cut_short() {
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
        crew.operation("slow", "panics", async |_words| {
            assert!(std::hint::black_box(false), "no such job");
            Ok("1".to_owned())
        });
        let answer = ask_for_slow(crew.clone()).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(json_of(answer).await["detail"], "it was cut short; see the log");
    }

    const ERASE: &str = "POST /operations/erase";
    const SHOWN: [&str; 4] = ["GET /tasks", "GET /operations", "GET /log-level", ERASE];

    #[test]
    fn a_page_of_another_site_neither_sees_nor_does_anything() {
        for token in [None, Some("right")] {
            let admin = Listening::start(token);
            for request in SHOWN.into_iter().chain(["PUT /log-level"]) {
                for from in ["sec-fetch-site: cross-site\r\n", "origin: https://evil.example\r\n"] {
                    let lines = format!("{from}content-type: text/plain\r\nauthorization: Bearer right\r\n");
                    let (status, body) = admin.ask(request, "127.0.0.1:8080", &lines);
                    assert!(status == 403 && body.contains("CROSS_SITE"), "{request} {from} {status} {body}");
                }
            }
        }
    }

    #[test]
    fn a_name_that_leads_to_this_machine_by_now_opens_nothing_without_a_token() {
        let admin = Listening::start(None);
        for request in SHOWN {
            let (status, body) = admin.ask(request, "evil.example:8080", "");
            assert!(status == 403 && body.contains("FOREIGN_HOST"), "{request} {status} {body}");
        }
    }

    #[test]
    fn with_a_token_the_listener_may_have_any_name() {
        let admin = Listening::start(Some("right"));
        let (status, body) = admin.ask(ERASE, "bot-admin:8080", "authorization: Bearer right\r\n");
        assert_eq!((status, body.as_str()), (200, r#""erased""#));
    }

    #[test]
    fn programs_on_this_machine_and_our_own_pages_go_on_working() {
        let admin = Listening::start(None);
        let tasks = admin.ask("GET /tasks", "localhost:8080", "").1;
        let tasks: Value = serde_json::from_str(&tasks).unwrap();
        assert!(tasks[0]["name"] == "admin" && tasks[0]["state"] == "running", "{tasks}");
        for request in SHOWN {
            for lines in ["", "sec-fetch-site: same-origin\r\norigin: http://localhost:8080\r\n"] {
                assert_eq!(admin.ask(request, "localhost:8080", lines).0, 200, "{request} {lines}");
            }
        }
    }

    #[test]
    fn probes_and_metrics_are_for_whoever_asks() {
        let admin = Listening::start(None);
        for request in ["GET /health", "GET /ready", "GET /metrics"] {
            let (status, _) = admin.ask(request, "bot-admin:8080", "sec-fetch-site: cross-site\r\n");
            assert_eq!(status, 200, "{request}");
        }
    }

    #[test]
    fn without_a_token_only_this_machine_may_change_things() {
        assert!(permitted(None, NEAR, &HeaderMap::new()));
        assert!(!permitted(None, FAR, &bearer("guess")));
    }

    #[test]
    fn this_machine_is_the_same_on_a_listener_for_both_families() {
        let peer = |text: &str| text.parse().unwrap();
        assert!(permitted(None, peer("[::ffff:127.0.0.1]:1"), &HeaderMap::new()));
        assert!(!permitted(None, peer("[::ffff:192.0.2.1]:1"), &HeaderMap::new()));
    }

    #[test]
    fn with_a_token_only_its_bearer_may_from_wherever() {
        assert!(permitted(Some("right"), FAR, &bearer("right")));
        assert!(!permitted(Some("right"), NEAR, &bearer("wrong")));
        assert!(!permitted(Some("right"), NEAR, &HeaderMap::new()));
    }
}
