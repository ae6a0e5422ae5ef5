//! One model: asked within limits, in the words that its server understands.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use groundcrew::client::{Client, Request, Response};
use serde_json::Value;

use super::catalogue::Known;
use super::config::{ModelsConfig, Provider};
use super::dialect::{Dialect, Part, Wording};
use super::events::Events;
use super::metrics::OneMetrics;
use super::price::Price;
use super::say::{Failure, Question, Said};
use super::tokens::{Correction, estimate};
use super::{anthropic, openai};

/// A model that can be asked.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) known: Known,
    pub(crate) correction: Correction,
    pub(crate) metrics: OneMetrics,
    client: Client,
    dialect: Dialect,
    timeout: Duration,
    patience: Duration,
    max_answer: u64,
}

/// What asking has come to so far, for all questions of a summary together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
    estimated: AtomicBool,
}

/// A tally that is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) requests: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// Some of it is our estimate: the server did not say.
    pub(crate) estimated: bool,
}

/// What has come of an answer so far; it stays when the rest never comes.
#[derive(Debug, Default)]
struct Heard {
    /// The server has taken the question: from then on it may charge for it.
    begun: bool,
    /// A status refused it: nobody is known to have thought about it. Where that is a timeout's (408, 504), a gateway's
    /// perhaps, the model may have read the prompt all the same.
    refused: bool,
    said: Said,
}

/// How many things a server may refuse to understand, one after the other.
const LESSONS: usize = 6;

// === impl Model ===

impl Model {
    pub(crate) fn new(known: Known, client: Client, config: &ModelsConfig, metrics: OneMetrics) -> Self {
        // Everybody but OpenAI understands the older name, and OpenAI's newer models only the newer one.
        let openais = known.is_openais_own();
        let dialect = Dialect::new(if openais { &[] } else { &[Part::CompletionTokens] });
        Self {
            correction: Correction::default(),
            metrics,
            client,
            dialect,
            timeout: config.timeout,
            patience: config.patience,
            max_answer: 16 << 20,
            known,
        }
    }

    pub(crate) fn price(&self) -> Price {
        self.known.price
    }

    /// Asks until `until`. A server that wants to be asked again soon is, once; what it does not understand is left
    /// out.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        until: Instant,
        tally: &Tally,
    ) -> Result<Said, Failure> {
        let first = self.dialect.wording();
        let first = if question.json { first } else { first.in_words() };
        let (mut wording, mut certain, mut patient) = (first, true, true);
        let mut refused = Vec::new();
        loop {
            let failure = match self.once(question, wording, until, tally).await {
                Ok(said) => {
                    // What was refused for another reason would be left out of everybody's questions.
                    if certain {
                        self.dialect.learn(first, wording);
                    }
                    return Ok(said);
                }
                Err(failure) => failure,
            };
            match &failure {
                Failure::Refused { status: status @ (400 | 404 | 422), words } => {
                    refused.push(wording);
                    let next = wording.instead(*status, words).filter(|_| refused.len() <= LESSONS);
                    let Some(next) = next.filter(|next| !refused.contains(&next.wording)) else {
                        return Err(failure);
                    };
                    certain &= next.named;
                    wording = next.wording;
                }
                Failure::RateLimited { retry_after } if patient => {
                    patient = false;
                    let pause = retry_after.unwrap_or(Duration::from_secs(1));
                    let in_time = Instant::now() + pause < until;
                    if pause > self.patience || !in_time {
                        return Err(failure);
                    }
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(failure),
            }
        }
    }

    async fn once(
        &self,
        question: &Question,
        wording: Wording,
        until: Instant,
        tally: &Tally,
    ) -> Result<Said, Failure> {
        let left = until.saturating_duration_since(Instant::now()).min(self.timeout);
        if left.is_zero() {
            return Err(Failure::Timeout);
        }
        let begun = Instant::now();
        let prompt = estimate(&question.system) + estimate(&question.user);
        let mut heard = Heard::default();
        // A server that drips may keep every chunk's deadline and never end.
        let answer = tokio::time::timeout(left, self.send(question, wording, left, &mut heard)).await;
        let answer = answer.unwrap_or(Err(Failure::Timeout));
        tally.requests.fetch_add(1, Ordering::Relaxed);
        self.metrics.duration.observe(begun.elapsed().as_secs_f64());
        match answer {
            Ok(()) => {
                let said = heard.said;
                self.metrics.success.inc();
                if let Some(counted) = said.input {
                    self.correction.learn(prompt, counted);
                }
                let input = said.input.unwrap_or_else(|| self.correction.apply(prompt));
                let output = said.output.unwrap_or_else(|| estimate(&said.text));
                self.spent(tally, input, output, said.input.is_none() || said.output.is_none());
                if said.withheld {
                    return Err(Failure::Useless("the provider withheld the answer"));
                }
                Ok(said)
            }
            Err(failure) => {
                self.metrics.error.inc();
                if heard.begun || failure.may_be_charged() {
                    let input = heard.said.input.unwrap_or_else(|| self.correction.apply(prompt));
                    self.spent(tally, input, heard.output(question, &failure), true);
                }
                Err(failure)
            }
        }
    }

    fn spent(&self, tally: &Tally, input: u64, output: u64, estimated: bool) {
        tally.input.fetch_add(input, Ordering::Relaxed);
        tally.output.fetch_add(output, Ordering::Relaxed);
        tally.estimated.fetch_or(estimated, Ordering::Relaxed);
        self.metrics.input.inc_by(input);
        self.metrics.output.inc_by(output);
        self.metrics.cost.inc_by(self.price().cost(input, output));
    }

    async fn send(
        &self,
        question: &Question,
        wording: Wording,
        left: Duration,
        heard: &mut Heard,
    ) -> Result<(), Failure> {
        let request = self.request(question, wording).timeout(left).attempt_timeout(left);
        let response = request.max_response(self.max_answer).at_most_once().send().await?;
        if !response.status().is_success() {
            heard.refused = true;
            return Err(refusal(response).await);
        }
        heard.begun = true;
        let kind = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            return self.streamed(response, &mut heard.said).await;
        }
        let answer: Value = response.json().await?;
        let said = match self.known.provider {
            Provider::Openai => openai::whole(&answer),
            Provider::Anthropic => anthropic::whole(&answer),
        };
        heard.said = said.ok_or(Failure::Useless("the server's answer is not what it should be"))?;
        Ok(())
    }

    fn request(&self, question: &Question, wording: Wording) -> Request {
        let Known { base_url, model, api_key, .. } = &self.known;
        match self.known.provider {
            Provider::Openai => {
                let request = self.client.post(format!("{base_url}/chat/completions"));
                let request = request.json(&openai::body(model, question, wording));
                api_key.iter().fold(request, Request::bearer)
            }
            Provider::Anthropic => {
                let request = self.client.post(format!("{base_url}/messages"));
                let request = request.json(&anthropic::body(model, question, wording));
                let request = request.header("anthropic-version", anthropic::VERSION);
                api_key.iter().fold(request, |request, key| request.secret_header("x-api-key", key))
            }
        }
    }

    /// What was said until something went wrong is in `said`, too.
    async fn streamed(&self, response: Response, said: &mut Said) -> Result<(), Failure> {
        let host = response.host().to_owned();
        let mut chunks = response.chunks();
        let mut events = Events::default();
        while let Some(chunk) = chunks.next().await {
            for data in events.take(&chunk?) {
                let last = match self.known.provider {
                    Provider::Openai => openai::event(&data, said),
                    Provider::Anthropic => anthropic::event(&data, said),
                };
                match last {
                    Some(true) => return Ok(()),
                    Some(false) => {}
                    None => return Err(Failure::Unavailable("the answer ended in an error".to_owned())),
                }
            }
        }
        // Some servers forget the last event, but they say that the model has finished. Where nothing said so, whatever
        // is between us and the server may have lost it, and ended its own answer properly.
        if !said.finished {
            return Err(Failure::broken_off(&host));
        }
        if said.text.is_empty() { Err(Failure::Useless("the answer is empty")) } else { Ok(()) }
    }
}

/// What a server says that does not answer.
async fn refusal(response: Response) -> Failure {
    let (status, retry_after) = (response.status().as_u16(), response.retry_after());
    let body = response.text().await.unwrap_or_default();
    let value: Value = serde_json::from_str(&body).unwrap_or_default();
    let error = &value["error"];
    let word = |name: &str| error[name].as_str().unwrap_or_default();
    let words = error.as_str().unwrap_or_else(|| word("message"));
    let words = if words.is_empty() { body.as_str() } else { words };
    let kind = format!("{} {} {}", word("type"), word("code"), word("param"));
    Failure::of_status(status, &kind, &format!("{words} {}", word("param")), retry_after)
}

// === impl Heard ===

impl Heard {
    /// How many tokens the provider may charge for an answer that came to nothing.
    fn output(&self, question: &Question, failure: &Failure) -> u64 {
        // A model may have thought all the while: nobody sees that, and it is paid like words.
        if self.said.text.is_empty() && *failure == Failure::Timeout && !self.refused {
            return question.room;
        }
        // What a server counts at the beginning of a stream is only the beginning.
        self.said.output.unwrap_or(0).max(estimate(&self.said.text))
    }
}

// === impl Tally ===

impl Tally {
    pub(crate) fn spent(&self) -> Spent {
        Spent {
            requests: self.requests.load(Ordering::Relaxed),
            input: self.input.load(Ordering::Relaxed),
            output: self.output.load(Ordering::Relaxed),
            estimated: self.estimated.load(Ordering::Relaxed),
        }
    }
}
