//! A password appears in nothing that anybody can read.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groundcrew_config::Secret;
use groundcrew_redis::RedisConfig;
use groundcrew_redis::deadpool_redis::redis::AsyncCommands;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::support::{addr, config, crew, server_with_password, until};

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
    let mut server = server_with_password("hunter2-canary").await;
    let url = format!("redis://:hunter2-canary@{}", addr(&server));
    let config = RedisConfig { check_period: Duration::from_millis(10), ..config(url) };
    let wrong = RedisConfig { password: Some(Secret::new("another-canary".into())), ..config.clone() };
    let crew = crew();

    let redis = config.connect(&crew).await.expect("connected");
    let refused = wrong.connect_as("other", &crew).await.unwrap_err();
    let own = redis.get().await.expect("a connection");
    server.kill().expect("it ran");
    until("the service is degraded", || crew.readiness().degraded).await;
    let lost = redis.shared("lost").get::<_, u64>("a").await.unwrap_err();
    let unreachable = redis.get().await.unwrap_err();

    let logged = transcript.0.lock().expect("no panic while it was held").clone();
    assert!(logged.contains("Redis is connected"), "the transcript sees what is logged: {logged}");
    let (metrics, health) = (crew.metrics().encode(), format!("{:?}", crew.readiness()));
    let errors = format!("{refused}{refused:?}{lost}{lost:?}{unreachable}{unreachable:?}");
    let handles = format!("{redis:?}{:?}{own:?}{wrong:?}", redis.shared("shown"));
    let shown = format!("{logged}{metrics}{health}{errors}{handles}");
    assert!(!shown.contains("canary"), "{shown}");
}
