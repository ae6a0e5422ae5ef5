//! Random numbers for ids: one generator per thread, seeded once by the operating system.
//!
//! They make ids unique, not secret: never use them for tokens or keys.

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

thread_local! {
    static STATE: Cell<[u64; 4]> = Cell::new(seed());
}

/// The next 64 bits of this thread's xoshiro256++ generator.
pub(crate) fn next() -> u64 {
    // A thread that is being torn down has lost its state; a fresh seed serves as well.
    STATE.try_with(step_in).unwrap_or_else(|_| seed()[0])
}

/// 64 bits that are not all zero, as the ids of a trace must be.
pub(crate) fn nonzero() -> u64 {
    loop {
        let value = next();
        if value != 0 {
            return value;
        }
    }
}

fn step_in(state: &Cell<[u64; 4]>) -> u64 {
    let [mut a, mut b, mut c, mut d] = state.get();
    let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
    let shifted = b << 17;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = d.rotate_left(45);
    state.set([a, b, c, d]);
    result
}

/// Every `RandomState` is keyed by the operating system's randomness and a count of its own.
fn seed() -> [u64; 4] {
    let word = |salt: u64| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(salt);
        hasher.finish()
    };
    // The last word keeps the state from being all zero, the one state that never moves.
    [word(1), word(2), word(3), word(4) | 1]
}

#[cfg(test)]
mod tests {
    use super::next;
    use std::collections::HashSet;

    #[test]
    fn numbers_of_several_threads_do_not_repeat() {
        let draw = || (0..10_000).map(|_| next()).collect::<Vec<_>>();
        let others: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let mut all = draw();
        for other in others {
            all.extend(other.join().expect("a thread that only counts does not panic"));
        }
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
