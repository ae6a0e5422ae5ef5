use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Asked, Reply, Totals};

/// What is asked, and what is to be answered.
#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    usual: Option<Reply>,
    by_model: HashMap<String, Reply>,
    script: VecDeque<Reply>,
    refused: HashSet<String>,
    requests: Vec<Asked>,
    totals: Totals,
    under_way: u64,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Decision {
    Answer(Reply),
    /// It has a member that this server does not know.
    Refuse(String),
}

/// A request that is under way as long as this lives.
#[derive(Debug)]
pub(super) struct UnderWay<'a>(&'a Desk);

// === impl Desk ===

impl Desk {
    pub(super) fn set(&self, reply: Reply) {
        self.lock().usual = Some(reply);
    }

    pub(super) fn set_for(&self, model: String, reply: Reply) {
        self.lock().by_model.insert(model, reply);
    }

    pub(super) fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.lock().script.extend(replies);
    }

    pub(super) fn refuse_member(&self, member: String) {
        self.lock().refused.insert(member);
    }

    pub(super) fn requests(&self) -> Vec<Asked> {
        self.lock().requests.clone()
    }

    pub(super) fn totals(&self) -> Totals {
        self.lock().totals
    }

    pub(super) async fn asked(&self, requests: u64, within: Duration) -> bool {
        let mut count = self.count.subscribe();
        let wait = count.wait_for(|count| *count >= requests);
        tokio::time::timeout(within, wait).await.is_ok_and(|result| result.is_ok())
    }

    /// Writes a request down and says what to answer.
    pub(super) fn take(&self, asked: &Asked) -> (Decision, UnderWay<'_>) {
        let mut state = self.lock();
        state.totals.requests += 1;
        state.under_way += 1;
        state.totals.at_once = state.totals.at_once.max(state.under_way);
        state.requests.push(asked.clone());
        let unknown = state.refused.iter().find(|member| asked.body.get(member.as_str()).is_some()).cloned();
        let decision = match unknown {
            Some(member) => Decision::Refuse(member),
            None => Decision::Answer(state.next(asked.model())),
        };
        let count = state.totals.requests;
        drop(state);
        self.count.send_replace(count);
        (decision, UnderWay(self))
    }

    pub(super) fn spent(&self, input: u64, output: u64) {
        let mut state = self.lock();
        state.totals.input_tokens += input;
        state.totals.output_tokens += output;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn next(&mut self, model: &str) -> Reply {
        let fixed = self.by_model.get(model).cloned();
        let scripted = || self.script.pop_front().or_else(|| self.usual.clone());
        fixed.or_else(scripted).unwrap_or(Reply::Good)
    }
}

// === impl UnderWay ===

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
    }
}
