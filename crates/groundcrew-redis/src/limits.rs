use std::time::Duration;

/// The smaller of a limit and what is left of the request that this is for.
pub(crate) fn limit(limit: Duration) -> Duration {
    groundcrew_telemetry::with_current(|context| context.and_then(groundcrew_telemetry::Context::remaining))
        .map_or(limit, |left| left.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_little_time_left_shortens_every_limit() {
        let second = Duration::from_secs(1);
        assert_eq!(limit(second), second);
        let context =
            groundcrew_telemetry::Context::random().with_timeout(Duration::from_millis(10)).into_arc();
        let _entered = context.enter();
        assert!(limit(second) <= Duration::from_millis(10));
    }
}
