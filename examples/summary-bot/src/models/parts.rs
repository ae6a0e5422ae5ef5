//! Where a conversation is cut that is too long for one prompt: between topics, at silences, not between a message
//! and its answer.

use std::ops::Range;

use super::material::Line;
use crate::Conversation;

/// How willingly a conversation is cut before each message.
#[derive(Debug)]
pub(crate) struct Seams(Vec<f64>);

// === impl Seams ===

impl Seams {
    /// `topics` are the places where the engine sees one begin.
    pub(crate) fn of(conversation: &Conversation, topics: &[usize]) -> Self {
        let items = &conversation.items;
        let mut seams = vec![0.0; items.len()];
        for at in topics.iter().filter(|at| **at < items.len()) {
            seams[*at] += 2.0;
        }
        let pauses = items.windows(2).map(|two| match (two[0].time, two[1].time) {
            (Some(before), Some(now)) => (now.seconds() - before.seconds()).max(0) as f64,
            _ => 0.0,
        });
        let pauses: Vec<f64> = pauses.collect();
        let usual = (pauses.iter().sum::<f64>() / pauses.len().max(1) as f64).max(1.0);
        for (at, pause) in pauses.iter().enumerate() {
            seams[at + 1] += (pause / usual).max(1.0).log10().min(2.0);
            let answers = items[at + 1].reply_to.as_deref() == Some(items[at].id.as_ref());
            if answers {
                seams[at + 1] -= 1.0;
            }
        }
        Self(seams)
    }

    /// Parts of at most `room` tokens each; a line that is longer stands alone.
    pub(crate) fn cut(&self, lines: &[Line], room: u64) -> Vec<Range<usize>> {
        let total: u64 = lines.iter().map(|line| line.tokens).sum();
        // Equal parts, rather than full ones and a scrap.
        let wanted = total.div_ceil(room.max(1)).max(1);
        let even = (total.div_ceil(wanted) + room / 10).min(room);
        let mut parts = Vec::new();
        let mut start = 0;
        while start < lines.len() {
            let mut end = start;
            let mut size = 0;
            while end < lines.len() && (end == start || size + lines[end].tokens <= even) {
                size += lines[end].tokens;
                end += 1;
            }
            let cut = if end == lines.len() { end } else { self.best(start, end) };
            parts.push(start..cut);
            start = cut;
        }
        parts
    }

    /// The best place to cut in the second half of what fits; the later, the better among equals.
    fn best(&self, start: usize, end: usize) -> usize {
        let from = start + (end - start).div_ceil(2).max(1);
        let value = |at: usize| self.0.get(at).copied().unwrap_or(0.0);
        (from..=end)
            .max_by(|one, other| value(*one).total_cmp(&value(*other)).then(one.cmp(other)))
            .unwrap_or(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(number: usize) -> Vec<Line> {
        (0..number).map(|_| Line { json: String::new(), tokens: 10 }).collect()
    }

    #[test]
    fn parts_hold_everything_once_and_fit() {
        for (number, room) in [(1, 5), (7, 30), (100, 95), (100, 10_000), (0, 10)] {
            let parts = Seams(vec![0.0; number]).cut(&lines(number), room);
            let all: Vec<usize> = parts.iter().cloned().flatten().collect();
            assert_eq!(all, (0..number).collect::<Vec<_>>(), "{number} in {room}");
            let fits = |part: &Range<usize>| part.len() as u64 * 10 <= room.max(10);
            assert!(parts.iter().all(fits), "{number} in {room}: {parts:?}");
        }
    }

    #[test]
    fn a_part_ends_where_a_topic_does() {
        let mut seams = vec![0.0; 20];
        seams[8] = 2.0;
        assert_eq!(Seams(seams).cut(&lines(20), 110), [0..8, 8..19, 19..20]);
    }
}
