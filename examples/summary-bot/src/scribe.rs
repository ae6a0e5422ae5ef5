//! Who writes the summaries.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use crate::document::Document;
use crate::order::Order;

/// Writes summaries: with the offline engine, off the runtime's workers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scribe;

// === impl Scribe ===

impl Scribe {
    /// The summary that was ordered, not stored yet.
    pub(crate) async fn write(&self, order: Order) -> Result<Document, Problem> {
        off_the_workers(move || offline(order)).await
    }
}

/// What takes a core for a while, apart from those who must answer.
pub(crate) async fn off_the_workers<T, W>(work: W) -> Result<T, Problem>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, Problem> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "summarising failed");
            Err(internal_error())
        }
    }
}

fn offline(order: Order) -> Result<Document, Problem> {
    let Order { conversation, options, asked, title, origin, .. } = order;
    let summary = crate::summarize(&conversation, &options);
    let counted = conversation.counts.counted;
    if counted < options.min_messages || summary.summary_text.is_empty() {
        return Err(insufficient(counted, options.min_messages));
    }
    Ok(Document::new(title.as_deref(), asked, &conversation, summary).from(origin))
}

fn insufficient(counted: u64, least: u64) -> Problem {
    let words = if counted < least {
        format!(
            "{counted} messages are left to summarise, and at least {least} were asked for (min_messages)"
        )
    } else {
        format!("none of {counted} messages says anything that could be summarised")
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INSUFFICIENT_CONTENT")
        .detail(words)
        .with("messages_counted", counted)
        .with("min_messages", least)
}

pub(crate) fn internal_error() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")
        .detail("something went wrong on our side; the log has it under this request id")
}
