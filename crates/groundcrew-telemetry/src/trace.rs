//! W3C trace context: who called, under which trace.

use crate::{hex, random};
use std::fmt;

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

/// The place of one unit of work in a distributed trace, as the `traceparent` header carries it.
///
/// ```
/// use groundcrew_telemetry::TraceContext;
///
/// let theirs = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
/// let ours = theirs.child();
/// assert_eq!(ours.trace_id, theirs.trace_id);
/// assert_ne!(ours.span_id, theirs.span_id);
/// assert!(ours.sampled);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The id that all spans of one trace share; never zero.
    pub trace_id: u128,
    /// The id of the span that is current; never zero.
    pub span_id: u64,
    /// Whether the caller records this trace.
    pub sampled: bool,
}

/// What other vendors hand along with a trace (`tracestate`): passed on as it came, never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceState(Box<str>);

// === impl TraceContext ===

impl TraceContext {
    /// The root of a new trace, not sampled.
    pub fn random() -> Self {
        let trace_id = u128::from(random::nonzero()) << 64 | u128::from(random::next());
        Self { trace_id, span_id: random::nonzero(), sampled: false }
    }

    /// The same place with the decision to record `ratio` of all traces (0 to 1), by the trace's id: every
    /// service that uses the same ratio decides the same.
    pub fn sampled_at(self, ratio: f64) -> Self {
        // The low half is random also where others made the id.
        let low = (self.trace_id & u128::from(u32::MAX)) as f64;
        Self { sampled: low < ratio * (f64::from(u32::MAX) + 1.0), ..self }
    }

    /// A new span under this one: same trace, same sampling decision, an id of its own.
    pub fn child(&self) -> Self {
        Self { span_id: random::nonzero(), ..*self }
    }

    /// Reads the value of a `traceparent` header.
    ///
    /// `None` for everything that the recommendation calls invalid: upper-case digits, ids of zero, version
    /// ff, a version 00 of another length. A later version is read by its first 55 bytes.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(LENGTH)?;
        if known[2] != b'-' || known[35] != b'-' || known[52] != b'-' {
            return None;
        }
        match hex::decode(&known[..2])? {
            0xff => return None,
            0 if !rest.is_empty() => return None,
            _ if !rest.is_empty() && rest[0] != b'-' => return None,
            _ => {}
        }
        let trace_id = hex::decode(&known[3..35])?;
        let span_id = u64::try_from(hex::decode(&known[36..52])?).ok()?;
        let flags = u8::try_from(hex::decode(&known[53..])?).ok()?;
        let valid = trace_id != 0 && span_id != 0;
        valid.then_some(Self { trace_id, span_id, sampled: flags & SAMPLED != 0 })
    }

    /// The value of a `traceparent` header (version 00) for a call to somebody else.
    pub fn traceparent(&self) -> [u8; LENGTH] {
        let mut header = *b"00-00000000000000000000000000000000-0000000000000000-00";
        header[3..35].copy_from_slice(&self.trace_id_hex());
        header[36..52].copy_from_slice(&self.span_id_hex());
        header[54] = if self.sampled { b'1' } else { b'0' };
        header
    }

    /// The trace's id as 32 lower-case digits.
    pub fn trace_id_hex(&self) -> [u8; 32] {
        hex::encode_u128(self.trace_id)
    }

    /// The span's id as 16 lower-case digits.
    pub fn span_id_hex(&self) -> [u8; 16] {
        hex::encode_u64(self.span_id)
    }
}

/// As the `traceparent` header has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.traceparent()).unwrap_or_default())
    }
}

// === impl TraceState ===

impl TraceState {
    /// Reads the value of a `tracestate` header (several are joined by a comma first).
    ///
    /// `None` if it has no member, more than 32, more than 512 bytes, a member without a proper key, or a
    /// character that no header may have; the trace goes on without it then.
    pub fn parse(header: &str) -> Option<Self> {
        let members =
            || header.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|m| !m.is_empty());
        let count = members().count();
        let valid = header.len() <= 512 && (1..=32).contains(&count) && members().all(is_member);
        valid.then(|| Self(header.into()))
    }

    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let key_byte =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'*' | b'/' | b'@');
    let value_byte = |b: u8| (b' '..=b'~').contains(&b) && b != b',' && b != b'=';
    let starts_well = key.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let at_most_one_tenant = key.bytes().filter(|b| *b == b'@').count() <= 1;
    starts_well
        && at_most_one_tenant
        && key.len() <= 256
        && key.bytes().all(key_byte)
        && (1..=256).contains(&value.len())
        && value.bytes().all(value_byte)
}

#[cfg(test)]
mod tests {
    use super::{TraceContext, TraceState};
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    proptest! {
        #[test]
        fn what_we_write_reads_back_the_same(trace_id in 1_u128.., span_id in 1_u64.., sampled: bool) {
            let context = TraceContext { trace_id, span_id, sampled };
            prop_assert_eq!(TraceContext::parse(&context.traceparent()), Some(context));
        }

        #[test]
        fn any_other_byte_in_the_middle_is_refused(at in 0..55_usize, byte: u8) {
            let mut header = GOOD.as_bytes().to_vec();
            header[at] = byte;
            let hexadecimal = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let dash = matches!(at, 2 | 35 | 52);
            if (dash && byte != b'-') || (!dash && !hexadecimal) {
                prop_assert_eq!(TraceContext::parse(&header), None);
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(header in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = TraceContext::parse(&header);
        }
    }

    fn parses(header: &str) -> bool {
        TraceContext::parse(header.as_bytes()).is_some()
    }

    #[test]
    fn about_as_many_traces_are_sampled_as_the_ratio_says() {
        let sampled =
            |ratio| (0..10_000).filter(|_| TraceContext::random().sampled_at(ratio).sampled).count();
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 10_000));
        assert!((800..1200).contains(&sampled(0.1)));
    }

    #[test]
    fn ids_of_zero_are_refused() {
        assert!(!parses("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
        assert!(!parses("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
    }

    #[test]
    fn version_ff_and_upper_case_are_refused() {
        assert!(!parses(&GOOD.replacen("00", "ff", 1)));
        assert!(!parses(&GOOD.to_uppercase()));
    }

    #[test]
    fn a_later_version_may_be_longer_and_this_one_may_not() {
        assert!(parses(&format!("{}-more", GOOD.replacen("00", "cc", 1))));
        assert!(!parses(&format!("{}.more", GOOD.replacen("00", "cc", 1))));
        assert!(!parses(&format!("{GOOD}-more")));
    }

    #[test]
    fn unknown_flags_are_ignored() {
        let flags = |text: &str| TraceContext::parse(GOOD.replace("-01", text).as_bytes()).map(|c| c.sampled);
        assert_eq!(flags("-03"), Some(true));
        assert_eq!(flags("-fe"), Some(false));
    }

    #[test]
    fn a_tracestate_is_passed_on_as_it_came_or_not_at_all() {
        let state = |text: &str| TraceState::parse(text).map(|s| s.as_str().to_owned());
        assert_eq!(
            state("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE").as_deref(),
            Some("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE")
        );
        assert_eq!(state("fw529a3039@dt=FfAAAA,").as_deref(), Some("fw529a3039@dt=FfAAAA,"));
        for bad in ["", ",", "a", "=b", "A=b", "a=b=c", "a=b\r\nx: y", &["k=v"; 33].join(",")] {
            assert_eq!(state(bad), None, "{bad:?}");
        }
    }
}
