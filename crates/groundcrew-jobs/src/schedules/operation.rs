//! What operators may ask about schedules, in the words of a command line.

use std::sync::Arc;

use groundcrew_runtime::{Crew, OperationError};
use serde_json::{Value, json};

use super::ticker::{Line, Ticker};

const HELP: &str = "schedules [list]";

/// Offers the operation `schedules`.
pub(super) fn offer(crew: &Crew, ticker: &Arc<Ticker>) {
    let ticker = ticker.clone();
    crew.operation("schedules", HELP, move |words| {
        let ticker = ticker.clone();
        async move {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if !matches!(words[..], [] | ["list"]) {
                return Err(OperationError::Usage(format!("schedules are only listed; {HELP}")));
            }
            let lines = ticker.lines().await.map_err(|error| OperationError::Failed(error.to_string()))?;
            Ok(lines.iter().map(shown).collect::<Value>().to_string())
        }
    });
}

fn shown(line: &Line<'_>) -> Value {
    json!({
        "schedule": line.entry.name,
        "expression": line.entry.schedule.to_string(),
        "last": line.fired,
        "next": line.next,
    })
}
