//! Where the conversation turns to another topic.

use super::terms::GAP;

/// Cuts a conversation into topics: the first sentence of each segment, the first being 0.
///
/// `bags` are the terms of each sentence, `weights` of each term; `pauses` says how long the silence before each
/// sentence was, in units of a usual one. Boundaries lie where the words before and after have least in common.
pub(crate) fn segments(
    bags: &[&[u32]],
    weights: &[f64],
    pauses: &[f64],
    words: usize,
    most: usize,
) -> Vec<usize> {
    let wanted = f64::sqrt(words as f64 / 450.0).round().clamp(1.0, 8.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 1 and 8.
    let wanted = (wanted as usize).min(bags.len() / 4).min(most).max(1);
    if wanted == 1 {
        return vec![0];
    }
    let reach = (bags.len() / (3 * wanted)).clamp(3, 60);
    let mut gaps = cohesion(bags, weights, reach);
    for (gap, pause) in gaps.iter_mut().zip(pauses) {
        // A silence of a hundred usual ones counts like words that have nothing in common.
        *gap -= pause.max(1.0).log10().min(2.0) / 2.0 * 0.5;
    }
    let spacing = (bags.len() / (2 * wanted)).max(2);
    let mut order: Vec<usize> = (spacing..=bags.len() - spacing).collect();
    order.sort_by(|one, other| gaps[*one].total_cmp(&gaps[*other]).then(one.cmp(other)));
    let mut starts = vec![0];
    for at in order {
        if starts.len() == wanted {
            break;
        }
        if starts.iter().all(|start| at.abs_diff(*start) >= spacing) {
            starts.push(at);
        }
    }
    starts.sort_unstable();
    starts
}

/// For each sentence: the cosine between the terms of the `reach` sentences before it and from it on.
fn cohesion(bags: &[&[u32]], weights: &[f64], reach: usize) -> Vec<f64> {
    let mut left = Window::new(weights.len());
    let mut right = Window::new(weights.len());
    let mut dot = 0.0;
    for bag in &bags[..reach.min(bags.len())] {
        right.shift(bag, weights, 1.0, &left, &mut dot);
    }
    let mut similar = Vec::with_capacity(bags.len());
    for at in 0..bags.len() {
        let norm = f64::sqrt(left.square.max(0.0) * right.square.max(0.0));
        similar.push(if norm > 1e-9 { dot / norm } else { 0.0 });
        right.shift(bags[at], weights, -1.0, &left, &mut dot);
        left.shift(bags[at], weights, 1.0, &right, &mut dot);
        if let Some(bag) = bags.get(at + reach) {
            right.shift(bag, weights, 1.0, &left, &mut dot);
        }
        if at >= reach {
            left.shift(bags[at - reach], weights, -1.0, &right, &mut dot);
        }
    }
    similar
}

/// The weights of the terms in a run of sentences, with the square of their length kept up to date.
struct Window {
    values: Vec<f64>,
    square: f64,
}

impl Window {
    fn new(terms: usize) -> Self {
        Self { values: vec![0.0; terms], square: 0.0 }
    }

    fn shift(&mut self, bag: &[u32], weights: &[f64], sign: f64, other: &Self, dot: &mut f64) {
        for term in bag.iter().filter(|term| **term != GAP).map(|term| *term as usize) {
            let change = sign * weights[term];
            self.square += change * (2.0 * self.values[term] + change);
            self.values[term] += change;
            *dot += change * other.values[term];
        }
    }
}
