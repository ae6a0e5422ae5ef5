//! `/api/v1/schedules`: summaries that come again and again.

mod openapi;
mod routes;

pub(super) use openapi::{paths, schemas};
pub(super) use routes::{all, found};

/// Where schedules are.
const SCHEDULES: &str = "/api/v1/schedules";
/// Where one schedule is.
const SCHEDULE: &str = "/api/v1/schedules/{id}";
const PAUSE: &str = "/api/v1/schedules/{id}/pause";
const RESUME: &str = "/api/v1/schedules/{id}/resume";
const RUN: &str = "/api/v1/schedules/{id}/run";
