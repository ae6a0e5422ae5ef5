use axum::routing::get;
use axum::{Json, Router};
use groundcrew_runtime::{Crew, TaskReport};
use serde_json::{Value, json};

/// `GET /tasks`: every background task with its state, restarts, last error and age.
pub(crate) fn routes(crew: &Crew) -> Router {
    let crew = crew.clone();
    Router::new().route("/tasks", get(move || std::future::ready(Json(tasks(&crew.tasks())))))
}

fn tasks(reports: &[TaskReport]) -> Value {
    reports
        .iter()
        .map(|task| {
            json!({
                "name": task.name,
                "critical": task.critical,
                "state": task.state.name(),
                "restarts": task.restarts,
                "last_error": task.last_error,
                "age_seconds": task.age.as_secs_f64(),
            })
        })
        .collect()
}
