//! Which sentences to take: the most of what the conversation is about, once, from every topic, within the budget.

use super::analysis::Analysis;

/// How far a term's worth falls each time that it is said again.
const AGAIN: f64 = 0.35;
/// Candidates that are looked at per topic.
const PER_TOPIC: usize = 80;

/// A sentence that was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pick {
    pub(crate) sentence: usize,
    /// What it added when it was taken.
    pub(crate) gain: f64,
}

/// What has been said so far.
pub(crate) struct Said {
    times: std::collections::HashMap<u32, i32>,
    /// Words taken from each topic.
    topics: Vec<f64>,
    words: f64,
}

impl Said {
    pub(crate) fn nothing(analysis: &Analysis<'_>) -> Self {
        Self { times: std::collections::HashMap::new(), topics: vec![0.0; analysis.starts.len()], words: 0.0 }
    }

    /// The terms of the lead need not be said again, but may.
    pub(crate) fn mention(&mut self, terms: &[u32]) {
        for term in terms {
            *self.times.entry(*term).or_default() += 1;
        }
    }

    pub(crate) fn take(&mut self, analysis: &Analysis<'_>, sentence: usize) {
        self.mention(&analysis.bag(sentence));
        let length = analysis.sentences[sentence].length as f64;
        self.topics[analysis.topic_of(sentence)] += length;
        self.words += length;
    }

    /// What a sentence would add, per word of its cost.
    pub(crate) fn gain(&self, analysis: &Analysis<'_>, sentence: usize, cost: f64) -> f64 {
        let fresh: f64 = analysis
            .bag(sentence)
            .iter()
            .map(|term| {
                analysis.weights[*term as usize] * AGAIN.powi(self.times.get(term).copied().unwrap_or(0))
            })
            .sum();
        let topic = analysis.topic_of(sentence);
        let share = analysis.topic(topic).len() as f64 / analysis.sentences.len().max(1) as f64;
        let have = if self.words > 0.0 { self.topics[topic] / self.words } else { 0.0 };
        // A topic that has its share already waits for the others.
        let balance = 1.0 / (1.0 + (have / share.max(0.02)).min(6.0) * (self.words / (self.words + 40.0)));
        fresh * analysis.quality[sentence] * (0.25 + balance) / cost.max(1.0).powf(0.6)
    }
}

/// The sentences worth looking at: the best of each topic on their own merits.
pub(crate) fn candidates(analysis: &Analysis<'_>, fits: impl Fn(usize) -> bool) -> Vec<usize> {
    let nothing = Said::nothing(analysis);
    let least = least(analysis);
    let mut chosen = Vec::new();
    for topic in 0..analysis.starts.len() {
        let mut ranked: Vec<(f64, usize)> = analysis
            .topic(topic)
            .filter(|sentence| {
                analysis.quality[*sentence] > 0.0 && analysis.quality[*sentence] >= least && fits(*sentence)
            })
            .map(|sentence| {
                (nothing.gain(analysis, sentence, analysis.sentences[sentence].length as f64), sentence)
            })
            .collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        ranked.truncate(PER_TOPIC);
        chosen.extend(ranked.into_iter().map(|(_, sentence)| sentence));
    }
    chosen
}

/// Where there is much to choose from, the worse half is no candidate, however well it would fill a hole; elsewhere
/// what falls far behind the usual is none.
fn least(analysis: &Analysis<'_>) -> f64 {
    let mut known: Vec<f64> = analysis.quality.iter().copied().filter(|quality| *quality > 0.2).collect();
    known.sort_by(f64::total_cmp);
    let median = known.get(known.len() / 2).copied().unwrap_or(0.0);
    if known.len() < 40 { median * 0.5 } else { median }
}

/// Takes the sentence that adds most again and again, as long as one fits.
pub(crate) fn select(
    analysis: &Analysis<'_>,
    candidates: &mut Vec<usize>,
    said: &mut Said,
    budget: usize,
    cost: impl Fn(usize) -> usize,
) -> Vec<Pick> {
    let mut left = budget;
    let mut picks = Vec::new();
    let mut costed: Vec<(usize, usize)> =
        candidates.iter().map(|sentence| (*sentence, cost(*sentence))).collect();
    loop {
        costed.retain(|(_, cost)| *cost <= left);
        let best = costed
            .iter()
            .map(|(sentence, cost)| (said.gain(analysis, *sentence, *cost as f64), *sentence, *cost))
            .max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
        let Some((gain, sentence, cost)) = best.filter(|(gain, ..)| *gain > 0.0) else { break };
        said.take(analysis, sentence);
        left -= cost;
        let bag = analysis.bag(sentence);
        costed.retain(|(other, _)| *other != sentence && !repeats(&analysis.bag(*other), &bag));
        picks.push(Pick { sentence, gain });
    }
    candidates.retain(|sentence| picks.iter().all(|pick| pick.sentence != *sentence));
    picks
}

/// Whether two sentences say the same in nearly the same words; both are sorted.
fn repeats(one: &[u32], other: &[u32]) -> bool {
    let same = one.iter().filter(|term| other.binary_search(term).is_ok()).count();
    same > 2 && same * 5 >= one.len().max(other.len()) * 4
}
