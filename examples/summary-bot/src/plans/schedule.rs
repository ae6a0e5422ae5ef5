//! A schedule as it stands, and as the API shows and changes it.

use groundcrew::http::Problem;
use groundcrew::jobs::Plan;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::brief::one;
use super::{Brief, Destination, Outcome, Standing, SummarizeChannels};

/// A schedule as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) plan: Plan,
    pub(crate) job: SummarizeChannels,
    pub(crate) standing: Standing,
}

/// How many of the next times are shown.
const SHOWN: usize = 3;

// === impl Schedule ===

impl Schedule {
    /// What it does after a merge patch (RFC 7396).
    pub(crate) fn patched(&self, patch: &Value) -> Result<Brief, Problem> {
        let before = &self.job.brief;
        let mut value = json!(before);
        merge(&mut value, patch);
        let brief: Brief =
            serde_json::from_value(value).map_err(|error| one("schedule", &error.to_string()))?;
        if brief.guild_id != before.guild_id {
            return Err(one("guild_id", "a schedule stays with its server: make another one there"));
        }
        brief.check()?;
        Ok(brief)
    }

    /// As the API shows it.
    pub(crate) fn to_json(&self, now: Timestamp) -> Value {
        let Self { plan, job, standing } = self;
        let mut value = json!(job.brief);
        for left_out in ["length", "perspective", "include_bots"] {
            value[left_out] = value[left_out].take();
        }
        let shown: Vec<Value> = job.brief.destinations.iter().map(Destination::shown).collect();
        let next: Vec<Timestamp> = if plan.paused { Vec::new() } else { plan.next_times(now, SHOWN) };
        let state = match plan {
            Plan { paused: true, .. } => "paused",
            Plan { next: None, .. } => "over",
            _ => "waiting",
        };
        let more = json!({
            "id": plan.id,
            "destinations": shown,
            "expression": plan.timing.to_string(),
            "state": state,
            "paused_because": plan.paused_because,
            "next_times": next,
            "created_at": plan.created_at,
            "created_by": job.created_by,
            "last_run": standing.last,
            "last_outcome": standing.outcome.map(Outcome::name),
            "last_summary": standing.summary.map(|id| format!("{}/{id}", crate::api::SUMMARIES)),
            "last_error": standing.error,
            "failures": standing.failures,
        });
        merge(&mut value, &more);
        // A merge takes away what is null.
        for (name, part) in more.as_object().into_iter().flatten().filter(|(_, part)| part.is_null()) {
            value[name] = part.clone();
        }
        value
    }
}

/// Takes over what the patch says: what is null is taken away, objects are gone into.
fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let Some(members) = value.as_object_mut() else { return };
    for (name, part) in patch {
        if part.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), part);
        }
    }
}
