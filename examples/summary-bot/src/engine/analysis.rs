//! Everything that is known about a conversation before anything is chosen.

use super::addresses::Names;
use super::phrases::{Phrase, phrases};
use super::questions;
use super::segments::segments;
use super::terms::{GAP, Terms};
use super::utterances::{Utterance, utterances};
use super::weigh;
use crate::collect::Conversation;
use crate::lang::{Language, Lexicon};
use crate::options::Options;
use crate::sentences::words;

/// A conversation taken apart.
pub(crate) struct Analysis<'a> {
    pub(crate) conversation: &'a Conversation,
    pub(crate) lexicon: Lexicon,
    pub(crate) names: Names,
    pub(crate) sentences: Vec<Utterance>,
    pub(crate) punctuated: bool,
    pub(crate) spoken: bool,
    pub(crate) terms: Terms,
    /// How much each term is worth, by number.
    pub(crate) weights: Vec<f64>,
    /// How well each sentence would stand alone in a summary, by number.
    pub(crate) quality: Vec<f64>,
    /// The first sentence of each topic.
    pub(crate) starts: Vec<usize>,
    /// What the conversation is about, the most telling first.
    pub(crate) phrases: Vec<Phrase>,
    /// For each sentence whether it is a question that somebody else took up.
    pub(crate) answered: Vec<bool>,
    bags: Vec<u32>,
    bounds: Vec<usize>,
}

impl<'a> Analysis<'a> {
    pub(crate) fn of(conversation: &'a Conversation, options: &Options) -> Self {
        let lexicon = Lexicon::new(language(conversation));
        let names = Names::of(&conversation.people);
        let spoken = utterances(conversation, &lexicon, &names);
        let mut terms = Terms::new();
        let (mut bags, mut bounds) = (Vec::new(), vec![0]);
        for (number, sentence) in (0_u32..).zip(&spoken.list) {
            bags.extend(terms.read(&sentence.text, sentence.author, number, &lexicon, &names));
            bounds.push(bags.len());
        }
        if let Some(background) = &conversation.background {
            terms.widen(background);
        }
        let weights = weigh::terms(&terms, options.perspective, conversation.people.len());
        let mut analysis = Self {
            conversation,
            lexicon,
            names,
            sentences: spoken.list,
            punctuated: spoken.punctuated,
            spoken: spoken.spoken,
            terms,
            weights,
            quality: Vec::new(),
            starts: Vec::new(),
            phrases: Vec::new(),
            answered: Vec::new(),
            bags,
            bounds,
        };
        // One topic needs some forty words to be told.
        analysis.starts = analysis.topics((options.length.words() / 40).clamp(1, 8));
        analysis.phrases = phrases(&analysis);
        analysis.answered = questions::answered(&analysis);
        analysis.quality = weigh::sentences(&analysis);
        analysis
    }

    /// The terms of a sentence in order, with gaps.
    pub(crate) fn run(&self, sentence: usize) -> &[u32] {
        &self.bags[self.bounds[sentence]..self.bounds[sentence + 1]]
    }

    /// The different terms of a sentence.
    pub(crate) fn bag(&self, sentence: usize) -> Vec<u32> {
        let mut bag: Vec<u32> = self.run(sentence).iter().copied().filter(|term| *term != GAP).collect();
        bag.sort_unstable();
        bag.dedup();
        bag
    }

    /// The topic that a sentence belongs to.
    pub(crate) fn topic_of(&self, sentence: usize) -> usize {
        self.starts.partition_point(|start| *start <= sentence).saturating_sub(1)
    }

    /// The sentences of a topic.
    pub(crate) fn topic(&self, topic: usize) -> std::ops::Range<usize> {
        let end = self.starts.get(topic + 1).copied().unwrap_or(self.sentences.len());
        self.starts.get(topic).copied().unwrap_or(end)..end
    }

    /// The name of a sentence's speaker.
    pub(crate) fn speaker(&self, sentence: usize) -> &str {
        self.name(self.sentences[sentence].author)
    }

    /// To whom a sentence is said, where that is beyond doubt: by address, or because there are only two.
    pub(crate) fn listener(&self, sentence: usize) -> Option<u32> {
        let spoken = &self.sentences[sentence];
        let other = match self.conversation.people.as_slice() {
            [_, _] => Some(1 - spoken.author),
            _ => None,
        };
        spoken.to.or(other).filter(|person| *person != spoken.author)
    }

    pub(crate) fn name(&self, person: u32) -> &str {
        &self.conversation.people[person as usize].name
    }

    /// Whether a lower-case word is written with a capital as a rule.
    pub(crate) fn is_name(&self, word: &str) -> bool {
        self.terms.find(word).is_some_and(|term| term.surface.starts_with(char::is_uppercase))
            || self.names.find(word).is_some()
    }

    /// The ids of the messages that a sentence comes from.
    pub(crate) fn cited(&self, sentence: usize) -> Vec<String> {
        let Utterance { item, last_item, author, .. } = self.sentences[sentence];
        let items = &self.conversation.items[item as usize..=last_item as usize];
        items.iter().filter(|item| item.author == author).map(|item| item.id.to_string()).collect()
    }

    fn topics(&self, most: usize) -> Vec<usize> {
        let bags: Vec<&[u32]> = (0..self.sentences.len()).map(|sentence| self.run(sentence)).collect();
        let words = self.sentences.iter().map(|sentence| sentence.length).sum();
        segments(&bags, &self.weights, &self.pauses(), words, most)
    }

    /// The silence before each sentence, in units of the usual one.
    fn pauses(&self) -> Vec<f64> {
        let seconds = |sentence: &Utterance| {
            self.conversation.items[sentence.item as usize].time.map(|time| time.seconds() as f64)
        };
        let times: Vec<Option<f64>> = self.sentences.iter().map(seconds).collect();
        let mut pauses = vec![0.0; times.len()];
        for at in 1..times.len() {
            if let (Some(before), Some(now)) = (times[at - 1], times[at]) {
                pauses[at] = (now - before).max(0.0);
            }
        }
        let silent: Vec<f64> = pauses.iter().copied().filter(|pause| *pause > 0.0).collect();
        let usual = (silent.iter().sum::<f64>() / silent.len().max(1) as f64).max(1.0);
        pauses.iter().map(|pause| pause / usual).collect()
    }
}

fn language(conversation: &Conversation) -> Language {
    let items = &conversation.items;
    let step = (items.len() / 2000).max(1);
    let sample: Vec<String> =
        items.iter().step_by(step).take(2000).flat_map(|item| words(&item.text).take(60)).collect();
    Language::detect(sample.iter().map(String::as_str))
}
