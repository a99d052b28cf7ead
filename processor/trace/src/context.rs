//! The header `traceparent` of W3C Trace Context: <https://www.w3.org/TR/trace-context/>.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

/// The header's name, of records as of requests.
pub const TRACEPARENT: &str = "traceparent";

/// Bytes of a header of version 00; later ones may have more behind, after a dash.
const LENGTH: usize = 55;
/// No version that is known has one so long; what is longer is not looked at.
const LONGEST: usize = 256;
const SAMPLED: u8 = 1;

/// A trace's id. Not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// A span's id. Not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// A span of a sampled trace: what its children have for a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceContext {
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

/// What a header says of the trace that its record or request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    Sampled(TraceContext),
    /// Whoever began the trace has decided that it is not to be recorded.
    NotSampled,
    /// Nothing that can be read: as if there were no header.
    Malformed,
}

/// Reads a header.
#[must_use]
pub fn parent(header: &[u8]) -> Parent {
    match parse(header) {
        Some((context, flags)) if flags & SAMPLED != 0 => Parent::Sampled(context),
        Some(_) => Parent::NotSampled,
        None => Parent::Malformed,
    }
}

/// The context of a header, when it is well-formed and says that the trace is sampled; otherwise nothing is to be recorded.
#[must_use]
pub fn sampled(header: &[u8]) -> Option<TraceContext> {
    match parent(header) {
        Parent::Sampled(context) => Some(context),
        Parent::NotSampled | Parent::Malformed => None,
    }
}

fn parse(header: &[u8]) -> Option<(TraceContext, u8)> {
    let (head, rest) = header.split_at_checked(LENGTH)?;
    if [head[2], head[35], head[52]] != [b'-'; 3] || header.len() > LONGEST {
        return None;
    }
    let [version] = hex(&head[..2])?;
    let fits = match version {
        0 => rest.is_empty(),
        0xff => false,
        _ => rest.is_empty() || rest[0] == b'-',
    };
    let trace_id: [u8; 16] = hex(&head[3..35])?;
    let span_id: [u8; 8] = hex(&head[36..52])?;
    let [flags] = hex(&head[53..])?;
    let is_zero = trace_id == [0; 16] || span_id == [0; 8];
    let context = TraceContext {
        trace_id: TraceId(trace_id),
        span_id: SpanId(span_id),
    };
    (fits && !is_zero).then_some((context, flags))
}

/// Lower-case digits alone, as the standard demands.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

impl TraceContext {
    /// The span of a step that worked on the record at this place, with this context as its parent. The same for everybody who
    /// asks, today and after any crash.
    #[must_use]
    pub fn child(&self, place: &str) -> TraceContext {
        let mut named = Vec::with_capacity(24 + place.len());
        named.extend_from_slice(&self.trace_id.0);
        named.extend_from_slice(&self.span_id.0);
        named.extend_from_slice(place.as_bytes());
        TraceContext {
            trace_id: self.trace_id,
            span_id: SpanId(xxh3_64(&named).max(1).to_be_bytes()),
        }
    }
}

/// As the header says it, in version 00 and sampled.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceContext { trace_id, span_id } = self;
        let (trace_id, span_id) = (
            u128::from_be_bytes(trace_id.0),
            u64::from_be_bytes(span_id.0),
        );
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{SAMPLED:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_the_standard_does_not_allow_is_no_context() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        ] {
            assert_eq!(parent(wrong.as_bytes()), Parent::Malformed, "{wrong}");
        }
        assert_eq!(sampled(&[0xff; 55]), None);
        let long = format!("01{}-{}", &GOOD[2..], "x".repeat(LONGEST));
        assert_eq!(sampled(long.as_bytes()), None);
    }

    #[test]
    fn only_a_sampled_trace_is_recorded() {
        for flags in ["00", "02", "fe"] {
            let header = format!("{}{flags}", &GOOD[..53]);
            assert_eq!(parent(header.as_bytes()), Parent::NotSampled);
            assert_eq!(sampled(header.as_bytes()), None);
        }
        for flags in ["01", "03", "ff"] {
            let header = format!("{}{flags}", &GOOD[..53]);
            let context = sampled(header.as_bytes()).expect("sampled");
            assert_eq!(context.to_string(), GOOD);
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for header in [
            format!("01{}", &GOOD[2..]),
            format!("cc{}-more", &GOOD[2..]),
        ] {
            let context = sampled(header.as_bytes()).expect("of a later version");
            assert_eq!(context.to_string(), GOOD);
        }
    }

    #[test]
    fn a_child_is_the_same_whenever_it_is_asked_for() {
        let parent = sampled(GOOD.as_bytes()).expect("a context");
        let child = parent.child("conversation-events/0/7");
        assert_eq!(child, parent.child("conversation-events/0/7"));
        assert_eq!(child.trace_id, parent.trace_id);
        assert_ne!(child.span_id, parent.span_id);
        assert_ne!(child, parent.child("conversation-events/0/8"));
        // Other processes, perhaps of another build, derive the same.
        let known = "00-0af7651916cd43dd8448eb211c80319c-0fbf1472c5e366bb-01";
        assert_eq!(child.to_string(), known);
    }
}
