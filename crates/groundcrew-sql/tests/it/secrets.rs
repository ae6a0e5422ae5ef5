//! A password appears in nothing that anybody can read.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::server::{PASSWORD, Server};
use crate::support::{crew, until};
use groundcrew_config::Secret;
use groundcrew_sql::SqlConfig;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Everything that is logged at any level by anybody, as one text.
#[derive(Clone, Default)]
struct Transcript(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").expect("a String takes everything");
    }
}

impl<S: Subscriber> Layer<S> for Transcript {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Line(&mut self.0.lock().expect("no panic while it was held")));
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut Line(&mut self.0.lock().expect("no panic while it was held")));
    }
}

#[tokio::test]
async fn no_log_line_error_or_metric_contains_a_password() {
    let transcript = Transcript::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(transcript.clone()));
    let mut server = Server::start().await;
    let brief = Duration::from_millis(300);
    let config = SqlConfig {
        check_period: Duration::from_millis(10),
        connect_retry: brief,
        acquire_timeout: brief,
        ..SqlConfig::of(server.url(PASSWORD))
    };
    let wrong = SqlConfig { password: Some(Secret::new("another-canary".into())), ..config.clone() };
    let crew = crew();

    let database = config.connect(&crew).await.expect("connected");
    let refused = wrong.connect_as("other", &crew).await.unwrap_err();
    until("the first check is done", || !crew.readiness().degraded).await;
    server.stop();
    until("the service is degraded", || crew.readiness().degraded).await;
    let unreachable = config.connect_as("third", &crew).await.unwrap_err();

    let logged = transcript.0.lock().expect("no panic while it was held").clone();
    assert!(logged.contains("Postgres is connected"), "the transcript sees what is logged: {logged}");
    let metrics = crew.metrics().encode();
    let health = format!("{:?}", crew.readiness());
    let shown = format!(
        "{logged}{metrics}{health}{refused}{refused:?}{unreachable}{unreachable:?}{database:?}{wrong:?}"
    );
    assert!(!shown.contains("canary"), "{shown}");
}
