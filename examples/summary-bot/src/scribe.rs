//! Who writes the summaries: a language model where there is one, the offline engine where there is none or none can.

use std::sync::Arc;
use std::time::{Duration, Instant};

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use crate::benches::Benches;
use crate::document::Document;
use crate::models::{self, Chain, Failed, Failure, Fallback, Given, Study};
use crate::order::Order;
use crate::summary::ModelUse;
use crate::{Summary, Warning};

/// Writes summaries.
#[derive(Debug, Clone)]
pub(crate) struct Scribe {
    benches: Benches,
    chain: Chain,
}

// === impl Scribe ===

impl Scribe {
    pub(crate) fn new(benches: Benches, chain: Chain) -> Self {
        Self { benches, chain }
    }

    /// The summary that was ordered, not stored yet.
    ///
    /// While a model thinks no bench is taken, and nothing that a model does or fails to do leaves the asker without a
    /// summary, unless the configuration wants it so.
    pub(crate) async fn write(&self, order: Order) -> Result<Document, Problem> {
        self.write_by(order, None).await
    }

    /// The same for somebody who waits no longer than until `by`: models stop in time for the offline engine.
    pub(crate) async fn write_by(&self, order: Order, by: Option<Instant>) -> Result<Document, Problem> {
        let begun = Instant::now();
        let prompts = (!self.chain.is_empty()).then(|| self.chain.prompts().clone());
        let study = self.benches.work(move || studied(order, prompts.as_ref())).await?;
        if study.task.is_none() {
            let study = Arc::new(study);
            return self.benches.work(move || Ok(document(&study, study.offline.clone()))).await;
        }
        let study = Arc::new(study);
        // Models take long, and what is kept meanwhile is large.
        let written = Box::pin(self.chain.write(&study, by)).await;
        if let Err(failed) = &written {
            if self.chain.fallback(failed) == Fallback::None {
                return Err(refusal(failed));
            }
            self.chain.metrics().offline.inc();
        }
        let bench = self.benches.take().await;
        bench
            .work(move || {
                let mut summary = match written {
                    Ok(given) => by_model(&study, given),
                    Err(failed) => offline(&study, &failed),
                };
                summary.metadata.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                Ok(document(&study, summary))
            })
            .await
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

fn studied(order: Order, prompts: Option<&models::Prompts>) -> Result<Study, Problem> {
    let study = Study::of(order, prompts);
    let (counted, least) = (study.conversation.counts.counted, study.options.min_messages);
    if counted < least || study.offline.summary_text.is_empty() {
        return Err(insufficient(counted, least));
    }
    Ok(study)
}

fn document(study: &Study, mut summary: Summary) -> Document {
    summary.metadata.warnings.extend(study.warnings.iter().cloned());
    summary.metadata.warnings.extend(untranslated(study, &summary));
    let document = Document::new(study.title.as_deref(), study.asked.clone(), &study.conversation, summary);
    document.from(study.origin.clone())
}

fn by_model(study: &Study, given: Given) -> Summary {
    let Given { answer, kept } = given;
    let mut summary = models::summary(study, answer.claims);
    let warnings = &mut summary.metadata.warnings;
    let mut warn = |code: &str, message: String| warnings.push(Warning { code: code.to_owned(), message });
    if answer.dropped_claims + answer.dropped_citations > 0 {
        warn(
            "CLAIMS_DROPPED",
            format!(
                "the model cited messages that there are not ({}), and said what cites none or may not be shown ({}): \
             that was left out",
                answer.dropped_citations, answer.dropped_claims
            ),
        );
    }
    if answer.unstructured {
        let words = "the model answered in prose; what each sentence cites was found by comparing words";
        warn("UNSTRUCTURED_ANSWER", words.to_owned());
    }
    if answer.lost > 0 {
        warn(
            "PARTS_MISSING",
            format!("of {} parts of the conversation {} could not be summarised", answer.parts, answer.lost),
        );
    }
    if answer.woven {
        let words =
            "no model put the parts of the conversation together; of each there are the first sentences";
        warn("PARTS_NOT_MERGED", words.to_owned());
    }
    if study
        .wish
        .model
        .as_deref()
        .is_some_and(|wish| wish != answer.model && !answer.engine.ends_with(&format!("/{wish}")))
    {
        warn("MODEL_UNAVAILABLE", format!("another model was asked for; {} wrote the summary", answer.model));
    }
    summary.metadata.engine.clone_from(&answer.engine);
    summary.metadata.model = Some(ModelUse {
        name: answer.model,
        prompts: answer.prompts,
        // What it took the first time is in the first summary.
        requests: if kept { 0 } else { answer.requests },
        input_tokens: answer.input_tokens,
        output_tokens: answer.output_tokens,
        estimated: answer.estimated,
        cost_microdollars: if kept { 0 } else { answer.cost_microdollars },
        parts: answer.parts as u64,
        dropped_citations: answer.dropped_citations,
        dropped_claims: answer.dropped_claims,
        kept,
    });
    summary
}

/// What the offline engine wrote, with a warning for each model that should have.
fn offline(study: &Study, failed: &[Failed]) -> Summary {
    let mut summary = study.offline.clone();
    for Failed { model, failure } in failed {
        let message = format!("the offline engine wrote this, not {model}: {}", shown(failure));
        summary.metadata.warnings.push(Warning { code: failure.code().to_owned(), message });
    }
    summary
}

/// Without a model a summary stays in the language of what it cites.
fn untranslated(study: &Study, summary: &Summary) -> Option<Warning> {
    let primary = |code: &str| code.split('-').next().unwrap_or_default().to_lowercase();
    let (wish, is) = (study.wish.language.as_deref()?, &summary.metadata.language);
    let met = summary.metadata.model.is_some() || is == "und" || primary(wish) == primary(is);
    let words = "it stays in the language of the conversation: only a language model can translate, and none wrote this";
    (!met).then(|| Warning { code: "NOT_TRANSLATED".to_owned(), message: words.to_owned() })
}

/// What readers are told: nothing of servers' addresses and their words, which the log has.
fn shown(failure: &Failure) -> String {
    match failure {
        Failure::Unavailable(_) => "its server cannot be reached or is broken".to_owned(),
        Failure::Refused { .. } => "its server refused the request".to_owned(),
        other => other.to_string(),
    }
}

fn refusal(failed: &[Failed]) -> Problem {
    // What decided that there is no summary: a spent budget wherever there is one, as in the chain.
    let of_budget = failed.iter().find(|failed| failed.for_want_of_money());
    let decisive = of_budget.or(failed.last()).map(|failed| &failed.failure);
    let code = decisive.map_or("MODEL_UNAVAILABLE", Failure::code);
    let status = match code {
        "PROMPT_TOO_LONG" | "TOKEN_LIMIT_EXCEEDED" => StatusCode::UNPROCESSABLE_ENTITY,
        "QUOTA_EXCEEDED" => StatusCode::TOO_MANY_REQUESTS,
        "API_TIMEOUT" => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let words: Vec<String> =
        failed.iter().map(|Failed { model, failure }| format!("{model}: {}", shown(failure))).collect();
    let problem =
        Problem::new(status, code).detail(format!("no model could summarise ({})", words.join("; ")));
    match decisive {
        Some(Failure::RateLimited { retry_after }) => {
            let pause = retry_after.unwrap_or(Duration::from_secs(5)).as_secs_f64().ceil();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            problem.retry_after(pause.clamp(1.0, 86_400.0) as u32)
        }
        Some(Failure::Unavailable(_) | Failure::Timeout) => problem.retry_after(5),
        Some(Failure::BudgetSpent(_)) => problem.retry_after(to_midnight()),
        // Somebody has to do something first.
        _ => problem.retry_after(60),
    }
}

/// Seconds until budgets begin anew.
fn to_midnight() -> u32 {
    const DAY: i64 = 86_400;
    u32::try_from(DAY - jiff::Timestamp::now().as_second().rem_euclid(DAY)).unwrap_or(0)
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
