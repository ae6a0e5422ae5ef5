//! How many tests passed and failed, read from what the runners print.

use crate::style::plain;
use std::ops::AddAssign;

/// Tests that passed and tests that did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// What one line of output adds: libtest's `test result:` or nextest's `Summary`, else nothing. An indented
    /// `test result:` is what nextest repeats of a test that failed, and its summary has counted that.
    pub(crate) fn from_line(line: &str) -> Self {
        let line = plain(line);
        if let Some(result) = line.strip_prefix("test result: ") {
            let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
            return Self::from_list(counts, ';');
        }
        let line = line.trim();
        if line.starts_with("Summary [")
            && let Some((_, counts)) = line.split_once("run: ")
        {
            return Self::from_list(counts, ',');
        }
        Self::default()
    }

    /// The final counts: a runner that failed without naming a failure (it did not compile) counts as one.
    pub(crate) fn settled(mut self, success: bool) -> Self {
        if !success && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    /// A list such as `3 passed (1 slow), 1 failed, 1 timed out, 0 skipped`.
    fn from_list(list: &str, separator: char) -> Self {
        let mut counts = Self::default();
        for item in list.split(separator) {
            let Some((number, what)) = item.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what.split(" (").next().unwrap_or(what) {
                "passed" => counts.passed += number,
                "failed" | "timed out" | "exec failed" => counts.failed += number,
                _ => {}
            }
        }
        counts
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn libtest_results_are_counted() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(Counts::from_line(line), Counts { passed: 5, failed: 2 });
    }

    #[test]
    fn coloured_libtest_results_are_counted() {
        let line = "test result: \x1b[32mok\x1b[m. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Counts::from_line(line), Counts { passed: 7, failed: 0 });
    }

    #[test]
    fn what_nextest_repeats_of_a_failed_test_is_not_counted_again() {
        let line = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out";
        assert_eq!(Counts::from_line(line), Counts::default());
    }

    #[test]
    fn nextest_summaries_are_counted() {
        let line = "     Summary [   0.005s] 9 tests run: 5 passed (1 slow, 1 flaky), 1 failed, 2 timed out, 1 exec failed, 4 skipped";
        assert_eq!(Counts::from_line(line), Counts { passed: 5, failed: 4 });
    }

    #[test]
    fn a_summary_of_a_run_that_was_cut_short_is_counted() {
        let line = "\x1b[31;1m     Summary\x1b[0m [   0.005s] \x1b[1m1\x1b[0m/3 tests run: 0 passed, \x1b[1m1\x1b[0m failed, 0 skipped";
        assert_eq!(Counts::from_line(line), Counts { passed: 0, failed: 1 });
    }

    #[test]
    fn a_runner_that_dies_before_it_counts_is_a_failure() {
        assert_eq!(Counts::default().settled(false), Counts { passed: 0, failed: 1 });
        assert_eq!(Counts { passed: 1, failed: 2 }.settled(false), Counts { passed: 1, failed: 2 });
        assert_eq!(Counts::default().settled(true), Counts::default());
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "test result:", "Summary [", "12 passed, 3 failed", "test a_test ... ok"] {
            assert_eq!(Counts::from_line(line), Counts::default(), "{line}");
        }
    }

    #[test]
    fn the_closing_line_has_exactly_the_form_that_is_read_from_it() {
        assert_eq!(Counts { passed: 12, failed: 0 }.to_string(), "12 passed, 0 failed");
    }
}
