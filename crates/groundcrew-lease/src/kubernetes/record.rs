use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// A Lease object. What we do not know of it stays in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record(Value);

// === impl Record ===

impl Record {
    pub(crate) fn of(object: Value) -> Self {
        Self(object)
    }

    /// One that is not there yet, held in its first term.
    pub(crate) fn first(namespace: &str, name: &str, holder: &str, duration: Duration) -> Self {
        let object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": name, "namespace": namespace },
            "spec": {},
        });
        Self(object).taken(holder, duration)
    }

    pub(crate) fn object(&self) -> &Value {
        &self.0
    }

    /// Changes with everything that anybody changes.
    pub(crate) fn version(&self) -> &str {
        self.0["metadata"]["resourceVersion"].as_str().unwrap_or_default()
    }

    pub(crate) fn holder(&self) -> Option<&str> {
        self.0["spec"]["holderIdentity"].as_str().filter(|holder| !holder.is_empty())
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        self.0["spec"]["leaseDurationSeconds"].as_u64().map(Duration::from_secs)
    }

    /// The number of the term.
    pub(crate) fn transitions(&self) -> u64 {
        self.0["spec"]["leaseTransitions"].as_u64().unwrap_or(0)
    }

    pub(crate) fn is_term_of(&self, holder: &str, transitions: u64) -> bool {
        self.holder() == Some(holder) && self.transitions() == transitions
    }

    /// In a new term of this holder.
    pub(crate) fn taken(&self, holder: &str, duration: Duration) -> Self {
        let (now, transitions) = (now(), self.transitions() + 1);
        // Whole seconds, and never fewer than meant: others wait for them.
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        self.with(json!({
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }))
    }

    pub(crate) fn renewed(&self) -> Self {
        self.with(json!({ "renewTime": now() }))
    }

    /// Held by nobody, as client-go leaves it.
    pub(crate) fn released(&self) -> Self {
        self.with(json!({ "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": now() }))
    }

    fn with(&self, changes: Value) -> Self {
        let mut object = self.0.clone();
        if !object["spec"].is_object() {
            object["spec"] = json!({});
        }
        if let Value::Object(changes) = changes {
            for (name, value) in changes {
                object["spec"][name] = value;
            }
        }
        Self(object)
    }

    #[cfg(test)]
    pub(crate) fn with_version(&self, version: u64) -> Self {
        let mut object = self.0.clone();
        object["metadata"]["resourceVersion"] = version.to_string().into();
        Self(object)
    }
}

/// A `MicroTime`: six digits, no more and no fewer. It is for people to read: nobody decides by it.
fn now() -> String {
    format!("{:.6}", Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    #[test]
    fn each_term_has_a_number_above_the_one_before_also_of_the_same_holder() {
        let first = Record::first("parcels", "sweep", "a", DURATION);
        let terms = [first.clone(), first.taken("b", DURATION), first.released().taken("a", DURATION)];
        assert_eq!(terms.map(|term| term.transitions()), [1, 2, 2]);
        assert_eq!(first.renewed().transitions(), 1);
    }

    #[test]
    fn times_have_six_digits() {
        let time = now();
        assert_eq!((time.len(), time.ends_with('Z')), ("2026-01-02T03:04:05.000006Z".len(), true), "{time}");
    }

    #[test]
    fn a_part_of_a_second_is_a_second_for_others() {
        let record = Record::first("parcels", "sweep", "a", Duration::from_millis(1500));
        assert_eq!(record.duration(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_others_put_into_the_object_stays_there() {
        let object = json!({
            "metadata": { "resourceVersion": "7", "labels": { "team": "parcels" } },
            "spec": { "preferredHolder": "b" },
        });
        let taken = Record::of(object).taken("a", DURATION);
        assert_eq!(taken.object()["metadata"]["labels"]["team"], "parcels");
        assert_eq!(taken.object()["spec"]["preferredHolder"], "b");
        assert_eq!((taken.version(), taken.holder()), ("7", Some("a")));
        assert_eq!(taken.released().holder(), None);
    }
}
