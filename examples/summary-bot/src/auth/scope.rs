//! What each operation needs.

use groundcrew::auth::RequireScope;
use groundcrew::http::axum::routing::MethodRouter;

/// Everything that people who sign in may do. What concerns a server takes a level there besides: see [`super::Deed`].
pub(super) const OF_PEOPLE: &str = "summaries:read summaries:write schedules:read schedules:write webhooks:read \
     webhooks:write settings:read settings:write usage:read keys:read keys:write";

/// The scopes, with what they are for.
pub(crate) const ALL: [(&str, &str); 12] = [
    ("summaries:read", "read summaries, and how far jobs are"),
    ("summaries:write", "make and delete summaries, call jobs off"),
    ("schedules:read", "read schedules"),
    ("schedules:write", "make, change and delete schedules"),
    ("webhooks:read", "read webhooks and their deliveries"),
    ("webhooks:write", "make, change and delete webhooks"),
    ("settings:read", "read the settings of servers"),
    ("settings:write", "change the settings of servers"),
    ("usage:read", "read what was used and what it cost"),
    ("keys:read", "read one's own API keys; with `admin` those of all"),
    ("keys:write", "make and revoke one's own API keys; with `admin` revoke those of all"),
    ("admin", "what concerns everybody"),
];

/// What an operation needs, by its name in the OpenAPI document. One that nobody thought of is for admins.
pub(crate) fn scope_of(operation: &str) -> &'static str {
    let (verb, noun) = operation.split_once('_').unwrap_or((operation, ""));
    let reads =
        matches!(verb, "get" | "list" | "read" | "show" | "follow" | "search" | "preview" | "describe");
    match (noun, reads) {
        ("all" | "guild" | "channel", _) if verb == "feed" => "summaries:read",
        ("" | "channel", _) if verb == "summarize" => "summaries:write",
        ("summary" | "summaries" | "job" | "jobs" | "feed" | "summaries_feed" | "channel_feed", true) => {
            "summaries:read"
        }
        ("summary" | "summaries" | "job" | "jobs" | "conversation", false) => "summaries:write",
        ("schedule" | "schedules" | "schedule_runs", true) => "schedules:read",
        ("schedule" | "schedules" | "schedule_now", false) => "schedules:write",
        ("webhook" | "webhooks" | "delivery" | "deliveries" | "webhook_deliveries", true) => "webhooks:read",
        ("webhook" | "webhooks" | "delivery" | "deliveries" | "webhook_secret", false) => "webhooks:write",
        ("settings" | "guild_settings", true) => "settings:read",
        ("settings" | "guild_settings", false) => "settings:write",
        ("usage", true) => "usage:read",
        ("key" | "keys", true) => "keys:read",
        ("key" | "keys" | "tokens", false) => "keys:write",
        _ => "admin",
    }
}

/// A route for those who may.
pub(crate) fn guarded<S: Clone + Send + Sync + 'static>(
    operation: &str,
    route: MethodRouter<S>,
) -> MethodRouter<S> {
    let needed = RequireScope::new(scope_of(operation));
    // Readers of feeds know passwords only, and wait until they are asked for one.
    let is_feed = operation.starts_with("feed_");
    route.route_layer(if is_feed { needed.basic("summary-bot") } else { needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_thought_of_is_for_admins() {
        assert_eq!(scope_of("erase_everything"), "admin");
        assert_eq!(scope_of("create_summary"), "summaries:write");
        assert_eq!(scope_of("follow_job"), "summaries:read");
    }

    #[test]
    fn each_scope_that_is_needed_is_described() {
        let operations =
            ["create_summary", "list_keys", "get_usage", "update_settings", "list_webhooks", "x"];
        for operation in operations {
            assert!(ALL.iter().any(|(name, _)| *name == scope_of(operation)), "{operation}");
        }
    }
}
