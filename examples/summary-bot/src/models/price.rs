//! What tokens cost, in whole millionths of a dollar.

/// The price of a million tokens, in millionths of a dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

const MILLION: u64 = 1_000_000;

// === impl Price ===

impl Price {
    /// From dollars per million tokens, as price lists say it.
    pub(crate) fn of_dollars(input: f64, output: f64) -> Self {
        Self { input: micros(input), output: micros(output) }
    }

    /// What so many tokens cost, rounded up.
    pub(crate) fn cost(self, input: u64, output: u64) -> u64 {
        let parts = u128::from(input) * u128::from(self.input) + u128::from(output) * u128::from(self.output);
        u64::try_from(parts.div_ceil(u128::from(MILLION))).unwrap_or(u64::MAX)
    }

    #[cfg(test)]
    pub(crate) fn is_free(self) -> bool {
        self == Self::default()
    }
}

/// Dollars in millionths; what is no amount of money is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Clamped to what is no loss.
pub(crate) fn micros(dollars: f64) -> u64 {
    (dollars.clamp(0.0, 1e9) * 1e6).round() as u64
}

/// An amount as people read it: `$0.0042`.
pub(crate) fn dollars(micros: u64) -> String {
    format!("${}.{:04}", micros / MILLION, micros % MILLION / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_whole_millionths_rounded_up() {
        let price = Price::of_dollars(0.15, 0.60);
        assert_eq!(price.cost(1_000_000, 1_000_000), 750_000);
        assert_eq!(price.cost(1, 0), 1);
        assert_eq!(price.cost(0, 0), 0);
        assert_eq!(price.cost(9_000, 700), 1_770);
        assert_eq!(Price::of_dollars(f64::NAN, -1.0).cost(u64::MAX, u64::MAX), 0);
        assert_eq!(dollars(1_770), "$0.0017");
    }
}
