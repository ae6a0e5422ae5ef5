//! Names of fields, looked at once: how they are spelt, and whether their value may be shown.

use super::redact;
use super::shape::Shape;
use std::cell::Cell;

/// Names that a thread remembers; one that hashes to a taken place takes it over.
const PLACES: usize = 128;
/// The longest spelling that is remembered, in bytes.
const LONGEST: usize = 32;

thread_local! {
    static KNOWN: [Cell<Known>; PLACES] = const { [const { Cell::new(Known::NONE) }; PLACES] };
}

/// What is remembered of a name. The name is `'static`, so that its place in memory stands for its text.
#[derive(Clone, Copy)]
struct Known {
    address: usize,
    length: usize,
    shape: u8,
    sensitive: bool,
    spelt: u8,
    spelling: [u8; LONGEST],
}

// === impl Known ===

impl Known {
    const NONE: Self =
        Self { address: 0, length: 0, shape: 0, sensitive: false, spelt: 0, spelling: [0; LONGEST] };
}

/// Begins a field; whether its value must be kept out.
pub(crate) fn begin<S: Shape>(shape: &S, line: &mut Vec<u8>, name: &'static str) -> bool {
    KNOWN.with(|known| {
        let address = name.as_ptr().addr();
        let place = &known[(address ^ (address >> 7) ^ name.len()) % PLACES];
        let known = place.get();
        if known.address == address && known.length == name.len() && known.shape == shape.tag() {
            // A copy of a fixed size is a few moves; what is too much goes again.
            let end = line.len() + usize::from(known.spelt);
            line.extend_from_slice(&known.spelling);
            line.truncate(end);
            return known.sensitive;
        }
        if let Some(learnt) = learn(shape, line, name) {
            place.set(learnt);
        }
        redact::is_sensitive(name)
    })
}

/// Spells a name for the first time; nothing to remember if it is too long.
fn learn<S: Shape>(shape: &S, line: &mut Vec<u8>, name: &'static str) -> Option<Known> {
    let start = line.len();
    shape.key(line, name);
    let text = &line[start..];
    let mut spelling = [0; LONGEST];
    spelling.get_mut(..text.len())?.copy_from_slice(text);
    Some(Known {
        address: name.as_ptr().addr(),
        length: name.len(),
        shape: shape.tag(),
        sensitive: redact::is_sensitive(name),
        spelt: u8::try_from(text.len()).ok()?,
        spelling,
    })
}
