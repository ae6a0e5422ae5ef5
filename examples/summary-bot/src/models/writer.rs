//! Has a model write a summary: at once, or part by part and then put together.

use std::ops::Range;
use std::time::Instant;

use futures_util::{FutureExt, StreamExt, stream};

use super::check::{Check, Dropped, Shingles};
use super::claims::Claims;
use super::material::{self, Enclosed, Line};
use super::model::{Model, Tally};
use super::reading::{self, Form, Reading};
use super::say::{Failure, Question};
use super::study::{Study, Task};
use super::tokens::estimate;

/// A model at work on a conversation.
pub(crate) struct Writer<'a> {
    pub(crate) model: &'a Model,
    pub(crate) study: &'a Study,
    pub(crate) task: &'a Task,
    pub(crate) until: Instant,
    pub(crate) parallel: usize,
    pub(crate) tally: &'a Tally,
}

/// What a model wrote, as far as it holds. The ids of the claims are places in the conversation.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) claims: Claims,
    pub(crate) dropped: Dropped,
    /// It was Markdown or prose.
    pub(crate) unstructured: bool,
    /// How many parts it was made of.
    pub(crate) parts: usize,
    /// How many of them no summary could be had of.
    pub(crate) lost: usize,
    /// The others could not be put together.
    pub(crate) woven: bool,
}

/// How the tokens of a model are shared out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    /// For the data of one prompt, by our estimate.
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// What each prompt has besides its data.
    pub(crate) around: u64,
}

/// For what servers put around a prompt.
const MARGIN: u64 = 256;
/// A prompt with less room than this for its data is none.
const LEAST: u64 = 512;

// === impl Draft ===

impl Draft {
    /// It said something, and none of it holds.
    fn holds_nothing(&self) -> bool {
        self.claims.is_empty() && self.dropped != Dropped::default()
    }
}

// === impl Writer ===

impl Writer<'_> {
    /// The summary, with what of it holds.
    pub(crate) async fn write(&self) -> Result<Draft, Failure> {
        let shares = shares(self.model, self.task).ok_or(Failure::TooLong)?;
        let lines = &self.task.material.lines;
        let parts = self.task.seams.cut(lines, shares.input);
        let mut draft = match parts.as_slice() {
            [] => return Err(Failure::Useless("there is nothing to summarise")),
            [whole] => self.part(whole.clone(), None, shares).await?,
            parts => self.in_parts(parts, shares).await?,
        };
        if draft.claims.summary.is_empty() {
            draft.claims.summary = std::mem::take(&mut draft.claims.key_points);
        }
        if draft.claims.summary.is_empty() {
            return Err(Failure::Useless("nothing that it said could be found in the conversation"));
        }
        Ok(draft)
    }

    async fn in_parts(&self, parts: &[Range<usize>], shares: Shares) -> Result<Draft, Failure> {
        let number = parts.len();
        let mut work = Vec::with_capacity(number);
        for (at, part) in parts.iter().enumerate() {
            work.push(self.part(part.clone(), Some((at + 1, number)), shares).boxed());
        }
        let drafts = stream::iter(work).buffered(self.parallel.max(1));
        let drafts: Vec<Result<Draft, Failure>> = drafts.collect().await;
        let mut whole = Draft { parts: number, ..Draft::default() };
        let mut written = Vec::new();
        let mut failure = None;
        for draft in drafts {
            match draft {
                Ok(draft) => {
                    whole.dropped.add(draft.dropped);
                    whole.unstructured |= draft.unstructured;
                    written.push(draft.claims);
                }
                Err(error) => {
                    whole.lost += 1;
                    failure.get_or_insert(error);
                }
            }
        }
        // What is missing a quarter is no summary of the whole.
        if let Some(failure) = failure.filter(|_| whole.lost * 4 > number) {
            return Err(failure);
        }
        while written.len() > 1 {
            let before = written.len();
            written = self.merged(written, shares, &mut whole.dropped).await;
            if written.len() >= before {
                break;
            }
        }
        whole.woven = written.len() > 1;
        whole.claims = if whole.woven {
            woven(written, self.task.brief.words)
        } else {
            written.pop().unwrap_or_default()
        };
        Ok(whole)
    }

    /// One part, checked. What is no JSON and holds nothing is asked for again, in Markdown.
    async fn part(
        &self,
        part: Range<usize>,
        of: Option<(usize, usize)>,
        shares: Shares,
    ) -> Result<Draft, Failure> {
        let lines = &self.task.material.lines[part.clone()];
        let data = Enclosed::of(lines);
        let (prompts, brief) = (&self.task.prompts, &self.task.brief);
        let stands_for =
            |id: &str| material::place(id, 'm').filter(|at| part.contains(at)).map(|at| vec![at]);
        let system = prompts.summary(brief, &data.boundary, of);
        let reading = self.ask(&system, true, &data, shares).await?;
        let draft = reading.map(|reading| self.held(reading, &stands_for, &system));
        let draft = match draft {
            Some((draft, form)) if !draft.holds_nothing() || form != Form::Text => draft,
            _ => {
                let system = prompts.markdown(brief, &data.boundary, of);
                let reading = self.ask(&system, false, &data, shares).await?;
                let reading = reading.ok_or(Failure::Useless("what it said makes no sense"))?;
                self.held(reading, &stands_for, &system).0
            }
        };
        if !draft.holds_nothing() {
            return Ok(draft);
        }
        self.model.metrics.dropped_citations.inc_by(draft.dropped.citations);
        self.model.metrics.dropped_claims.inc_by(draft.dropped.claims);
        Err(Failure::Useless("nothing that it said could be found in the conversation"))
    }

    fn held(
        &self,
        reading: Reading,
        stands_for: &(dyn Fn(&str) -> Option<Vec<usize>> + Sync),
        system: &str,
    ) -> (Draft, Form) {
        let Reading { claims, form } = reading;
        let mut dropped = Dropped::default();
        let claims = self.check(stands_for, system).hold(claims, &mut dropped);
        let unstructured = matches!(form, Form::Markdown | Form::Text);
        (Draft { claims, dropped, unstructured, parts: 1, ..Draft::default() }, form)
    }

    /// Groups of summaries that fit into a prompt, each put together; those that cannot be stay as they are.
    async fn merged(&self, written: Vec<Claims>, shares: Shares, dropped: &mut Dropped) -> Vec<Claims> {
        let mut groups: Vec<Vec<Claims>> = Vec::new();
        let mut room = 0;
        for claims in written {
            let size: u64 = statements(&claims, 0).iter().map(|(line, _)| line.tokens).sum();
            match groups.last_mut().filter(|_| size <= room) {
                Some(group) => group.push(claims),
                None => {
                    groups.push(vec![claims]);
                    room = shares.input;
                }
            }
            room = room.saturating_sub(size);
        }
        let mut work = Vec::with_capacity(groups.len());
        for group in groups {
            work.push(self.merge(group, shares).boxed());
        }
        let merged = stream::iter(work).buffered(self.parallel.max(1));
        let merged: Vec<(Vec<Claims>, Dropped)> = merged.collect().await;
        merged
            .into_iter()
            .flat_map(|(claims, lost)| {
                dropped.add(lost);
                claims
            })
            .collect()
    }

    async fn merge(&self, group: Vec<Claims>, shares: Shares) -> (Vec<Claims>, Dropped) {
        let mut dropped = Dropped::default();
        if group.len() < 2 {
            return (group, dropped);
        }
        let mut lines = Vec::new();
        for claims in &group {
            lines.extend(statements(claims, lines.len()));
        }
        let (lines, places): (Vec<Line>, Vec<Vec<usize>>) = lines.into_iter().unzip();
        let data = Enclosed::of(&lines);
        let system = self.task.prompts.merge(&self.task.brief, &data.boundary);
        let reading = match self.ask(&system, true, &data, shares).await {
            Ok(Some(reading)) => reading,
            Ok(None) => return (group, dropped),
            Err(error) => {
                tracing::warn!(model.name = %self.model.known.name, %error, "parts of a summary were not put together");
                return (group, dropped);
            }
        };
        let stands_for = |id: &str| places.get(material::place(id, 'c')?).cloned();
        let claims = self.check(&stands_for, &system).hold(reading.claims, &mut dropped);
        if claims.summary.is_empty() { (group, dropped) } else { (vec![claims], dropped) }
    }

    /// Asks, and once more with twice the room after a cut; `None` if nothing can be made of the answer.
    async fn ask(
        &self,
        system: &str,
        json: bool,
        data: &Enclosed,
        shares: Shares,
    ) -> Result<Option<Reading>, Failure> {
        let temperature = self.study.wish.temperature.or(self.model.known.temperature);
        let (system, user) = (system.to_owned(), data.text.clone());
        let mut question = Question { system, user, room: shares.output, temperature, json };
        let mut said = self.model.ask(&question, self.until, self.tally).await?;
        if said.cut {
            let prompt = self.model.correction.apply(estimate(&question.system) + estimate(&question.user));
            let most = self.model.known.context.saturating_sub(prompt + MARGIN);
            question.room = (shares.output * 2).min(most).max(shares.output);
            said = self.model.ask(&question, self.until, self.tally).await?;
        }
        let reading = reading::read(&said.text);
        // The end of what was cut off is no sentence.
        let whole = |reading: &Reading| !said.cut || matches!(reading.form, Form::Json | Form::Repaired);
        let reading = reading.filter(whole);
        if reading.is_none() && said.cut {
            return Err(Failure::Truncated);
        }
        if reading.as_ref().is_some_and(|reading| reading.form != Form::Json) {
            self.model.metrics.repaired.inc();
        }
        Ok(reading)
    }

    fn check<'b>(
        &'b self,
        stands_for: &'b (dyn Fn(&str) -> Option<Vec<usize>> + Sync),
        system: &str,
    ) -> Checker<'b> {
        Checker { writer: self, stands_for, secret: Shingles::of(system) }
    }
}

/// A check with what it needs.
struct Checker<'b> {
    writer: &'b Writer<'b>,
    stands_for: &'b (dyn Fn(&str) -> Option<Vec<usize>> + Sync),
    secret: Shingles,
}

impl Checker<'_> {
    fn hold(&self, claims: Claims, dropped: &mut Dropped) -> Claims {
        let Writer { study, task, .. } = self.writer;
        let check = Check {
            stands_for: self.stands_for,
            found: &|statement| study.found(task, statement),
            said: &|places| study.said(places),
            secret: &self.secret,
        };
        check.hold(claims, dropped)
    }
}

/// How a model's tokens are shared out; `None` if a prompt leaves no room for data.
pub(crate) fn shares(model: &Model, task: &Task) -> Option<Shares> {
    let around = estimate(&task.prompts.summary(&task.brief, "000000000000", Some((10, 10))))
        .max(estimate(&task.prompts.merge(&task.brief, "000000000000")));
    let output = model.known.max_output.min(model.known.context / 3);
    let real = model.known.context.saturating_sub(output + MARGIN);
    let input = model.correction.fitting(real).saturating_sub(around);
    (input >= LEAST).then_some(Shares { input, output, around })
}

/// Claims as lines for a prompt, from the id `c<after + 1>` on, each with the places that it cites.
fn statements(claims: &Claims, after: usize) -> Vec<(Line, Vec<usize>)> {
    let mut all: Vec<(serde_json::Value, &[String])> = Vec::new();
    for (name, list) in claims.lists() {
        all.extend(
            list.iter().map(|claim| {
                (serde_json::json!({"kind": name, "text": claim.text}), claim.messages.as_slice())
            }),
        );
    }
    for task in &claims.action_items {
        let value = serde_json::json!({
            "kind": "action_items", "text": task.description, "assignee": task.assignee,
            "deadline": task.deadline, "priority": task.priority,
        });
        all.push((value, &task.messages));
    }
    let numbered = all.into_iter().enumerate().map(|(at, (mut value, messages))| {
        value["id"] = serde_json::json!(format!("c{}", after + at + 1));
        (Line::of(value.to_string()), super::check::places(messages))
    });
    numbered.collect()
}

/// Parts that no model put together: of each the first sentences, in turn, as far as the words go; and all the rest.
fn woven(parts: Vec<Claims>, words: usize) -> Claims {
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut left = words;
    let longest = parts.iter().map(|part| part.summary.len()).max().unwrap_or(0);
    for round in 0..longest {
        for (at, part) in parts.iter().enumerate() {
            let Some(claim) = part.summary.get(round) else { continue };
            let length = crate::sentences::length(&claim.text);
            if length <= left {
                left -= length;
                taken.push((at, round));
            }
        }
    }
    taken.sort_unstable();
    let summary = taken.iter().map(|(part, round)| parts[*part].summary[*round].clone()).collect();
    let mut all = Claims::default();
    for part in parts {
        all.extend(part);
    }
    Claims { summary, ..all }
}
