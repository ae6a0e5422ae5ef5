//! The codes of problems, with what they mean: for the OpenAPI document. A test finds codes that are not told here.

/// A code, the statuses that it comes with, and what it means.
type Code = (&'static str, &'static str, &'static str);

/// Every code.
const CODES: &[Code] = &[
    ("API_RATE_LIMIT", "503", "the language model's provider lets us ask no more at the moment"),
    ("API_TIMEOUT", "504", "the language model did not answer in time"),
    ("AUTH_UNAVAILABLE", "503", "who asks cannot be looked up at the moment"),
    ("BODY_CUT", "400", "the body ended before it was complete"),
    ("BODY_TOO_LARGE", "413", "`summaries.body_limit`, or `http.body_limit` elsewhere"),
    ("CHANNEL_ACCESS_DENIED", "403", "the bot, or who asks, may not read this channel"),
    ("CROSS_SITE", "403", "a browser sent it for a page of another site"),
    ("DELIVERY_PENDING", "409", "a delivery is not over, and is tried again by itself"),
    ("DISCORD_OFF", "422", "the bot is not connected to Discord, and so reads no channels"),
    ("DISCORD_REFUSED", "502", "Discord refused what the bot asked of it"),
    ("DISCORD_UNAVAILABLE", "503", "Discord does not answer"),
    ("FORBIDDEN", "403", "whoever asks may not do this"),
    ("IDEMPOTENCY_KEY_IN_USE", "409", "a request with this key is under way"),
    ("IDEMPOTENCY_KEY_REFUSED", "400", "no answer is kept here: send it without `Idempotency-Key`"),
    ("IDEMPOTENCY_KEY_REUSED", "422", "this key came with another request before"),
    ("INSUFFICIENT_CONTENT", "422", "fewer than `min_messages`, or nothing that says anything"),
    ("INSUFFICIENT_SCOPE", "403", "who asks may not do this; `scope` says what is missing"),
    ("INTERNAL_ERROR", "500", "something went wrong on our side"),
    ("INVALID_CREDENTIALS", "401", "what is shown is not good"),
    ("INVALID_JSON", "400", "with `line` and `column`"),
    ("INVALID_REQUEST", "400", "with the `field`, and all that is wrong in `errors`"),
    ("INVALID_TIME_RANGE", "400", "the range ends before it begins, or is no range"),
    ("JOB_ABANDONED", "500", "a job failed too often for reasons of ours"),
    ("JOB_ENDED", "409", "a job has ended and cannot be called off"),
    ("METHOD_NOT_ALLOWED", "405", "`Allow` says what is"),
    ("MODEL_UNAVAILABLE", "503", "no language model answers, or there is none of this name"),
    ("NOT_FOUND", "404", "there is nothing here"),
    ("NOT_YOURS", "403", "somebody else has asked for this summary"),
    ("NO_COMMON_SERVER", "403", "who signs in is in no server that the bot serves"),
    ("PROMPT_TOO_LONG", "422", "`custom_prompt` is longer than it may be"),
    ("QUEUE_FULL", "503", "as many conversations wait as may wait"),
    ("QUOTA_EXCEEDED", "429", "the budget is spent"),
    ("RATE_LIMITED", "429", "asked too often"),
    ("REQUEST_TIMEOUT", "504", "it took too long; what was begun is finished"),
    ("SCHEDULE_EXISTS", "409", "this server has a schedule of this name"),
    ("SHUTTING_DOWN", "503", "this replica goes"),
    ("SIGN_IN_NOT_STARTED", "400", "this browser did not begin to sign in, or too long ago"),
    ("SIGN_IN_OFF", "404", "nobody signs in here"),
    ("SIGN_IN_REFUSED", "403", "Discord, or the person, said no"),
    ("STARTING", "503", "this replica is not ready yet"),
    ("STORAGE_UNAVAILABLE", "503", "the database does not answer"),
    ("TOKENS_OFF", "404", "no tokens are given out here"),
    ("TOKEN_EXPIRED", "401", "the token was good until a moment that has passed"),
    ("TOKEN_LIMIT_EXCEEDED", "422", "the conversation is too long for the language model"),
    ("TOKEN_REUSED", "401", "a refresh token came twice, and its session has ended: sign in again"),
    ("TOO_MANY_FOLLOWERS", "503", "as many follow jobs as may"),
    ("TOO_MANY_KEYS", "409", "as many good keys as somebody may have"),
    ("TOO_MANY_MESSAGES", "422", "`summaries.max_messages`"),
    ("TOO_MANY_SCHEDULES", "409", "`schedules.per_guild`"),
    ("TOO_MANY_WEBHOOKS", "409", "`webhooks.max`; delete one first"),
    ("UNAUTHENTICATED", "401", "say who asks: `Authorization: Bearer` with an API key or a token"),
    ("UNSUPPORTED_MEDIA_TYPE", "415", "send `application/json`, or `text/plain` where that is read"),
    ("VERSION_CONFLICT", "409", "somebody else has changed it meanwhile: look at it and try again"),
    ("WEBHOOK_DISABLED", "409", "nothing is sent to a webhook that is disabled; enable it first"),
];

/// All of them, for people.
pub(super) fn told() -> String {
    let codes: Vec<String> =
        CODES.iter().map(|(code, status, words)| format!("`{code}` ({status}): {words}.")).collect();
    format!("What went wrong, stable, for programs. {}", codes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn they_are_in_order_and_there_once() {
        assert!(CODES.is_sorted_by(|one, other| one.0 < other.0));
    }
}
