//! As much of Kafka's protocol as the proxy has to know: where a message ends, what a request asks for, and of whom.
//!
//! A message is four bytes of length and so many bytes. A request begins with its API, the API's version, a number that
//! its response repeats, and the client's name; see "Protocol" in Kafka's documentation.

use std::io::{self, Read, Write};

/// Longest message that is passed on; far beyond what brokers take (`socket.request.max.bytes`).
const LONGEST: usize = 256 << 20;

/// A kind of request, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Api(pub i16);

impl Api {
    pub const PRODUCE: Api = Api(0);
    pub const FETCH: Api = Api(1);
    pub const LIST_OFFSETS: Api = Api(2);
    pub const METADATA: Api = Api(3);
    pub const OFFSET_FETCH: Api = Api(9);
    pub const FIND_COORDINATOR: Api = Api(10);
    pub const JOIN_GROUP: Api = Api(11);
    pub const HEARTBEAT: Api = Api(12);
    pub const SYNC_GROUP: Api = Api(14);
    pub const INIT_PRODUCER_ID: Api = Api(22);
    pub const ADD_PARTITIONS_TO_TXN: Api = Api(24);
    pub const ADD_OFFSETS_TO_TXN: Api = Api(25);
    pub const END_TXN: Api = Api(26);
    pub const TXN_OFFSET_COMMIT: Api = Api(28);

    /// From which version on this API has compact strings and tagged fields.
    fn flexible_from(self) -> i16 {
        match self {
            Api::PRODUCE => 9,
            Api::INIT_PRODUCER_ID => 2,
            Api::ADD_PARTITIONS_TO_TXN
            | Api::ADD_OFFSETS_TO_TXN
            | Api::END_TXN
            | Api::TXN_OFFSET_COMMIT => 3,
            _ => i16::MAX,
        }
    }

    /// Whether its requests begin with a transactional id.
    fn names_a_transaction(self) -> bool {
        matches!(
            self,
            Api::PRODUCE
                | Api::INIT_PRODUCER_ID
                | Api::ADD_PARTITIONS_TO_TXN
                | Api::ADD_OFFSETS_TO_TXN
                | Api::END_TXN
                | Api::TXN_OFFSET_COMMIT
        )
    }
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub api: Api,
    pub version: i16,
    pub correlation: i32,
    pub client: String,
    /// Of the requests that belong to a transaction.
    pub transactional_id: Option<String>,
}

/// By what the broker can tell whether offsets come from a group's present member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    pub transactional_id: String,
    pub group: String,
    /// -1 when the producer was not told.
    pub generation: i32,
    /// Empty when the producer was not told.
    pub member: String,
}

/// The next message, without its length; `None` at the end of the stream.
pub fn read_message(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        let what = format!("expected a message of at most {LONGEST} bytes, found one of {length}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Writes a message behind its length.
pub fn write_message(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = i32::try_from(message.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(4 + message.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(message);
    to.write_all(&bytes)
}

/// The number by which a response names its request.
pub fn correlation_of(response: &[u8]) -> Option<i32> {
    Reader(response).i32()
}

/// What a request says; `None` when it is no Kafka request.
pub fn parse_request(message: &[u8]) -> Option<Request> {
    parse(message).map(|(request, _)| request)
}

/// The request and, of one that names a transaction, what follows that name.
fn parse(message: &[u8]) -> Option<(Request, Reader<'_>)> {
    let mut reader = Reader(message);
    let (api, version) = (Api(reader.i16()?), reader.i16()?);
    let correlation = reader.i32()?;
    // The client's name is never compact.
    let client = reader.string(false)?.unwrap_or_default();
    let flexible = version >= api.flexible_from();
    let mut transactional_id = None;
    if api.names_a_transaction() {
        if flexible {
            reader.skip_tags()?;
        }
        transactional_id = reader.string(flexible)?;
    }
    let request = Request {
        api,
        version,
        correlation,
        client,
        transactional_id,
    };
    Some((request, reader))
}

/// What a TxnOffsetCommit says of its member; `None` of any other request.
pub fn offset_commit(message: &[u8]) -> Option<OffsetCommit> {
    let (request, mut reader) = parse(message)?;
    if request.api != Api::TXN_OFFSET_COMMIT {
        return None;
    }
    let flexible = request.version >= request.api.flexible_from();
    let group = reader.string(flexible)?.unwrap_or_default();
    reader.take(8 + 2)?;
    // The versions before 3 cannot name a member.
    let (generation, member) = match flexible {
        true => (reader.i32()?, reader.string(true)?.unwrap_or_default()),
        false => (-1, String::new()),
    };
    Some(OffsetCommit {
        transactional_id: request.transactional_id.unwrap_or_default(),
        group,
        generation,
        member,
    })
}

/// The error code of a response to EndTxn, AddOffsetsToTxn or InitProducerId (in all of them behind the throttle time).
pub fn error_of(request: &Request, response: &[u8]) -> Option<i16> {
    let mut reader = Reader(response);
    reader.i32()?;
    if request.version >= request.api.flexible_from() {
        reader.skip_tags()?;
    }
    let has_one = matches!(
        request.api,
        Api::END_TXN | Api::ADD_OFFSETS_TO_TXN | Api::INIT_PRODUCER_ID
    );
    reader.i32()?;
    has_one.then(|| reader.i16())?
}

/// Bytes that are read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A string that may be null: its length in two bytes, or, compact, its length and one as a varint.
    fn string(&mut self, compact: bool) -> Option<Option<String>> {
        let length = match compact {
            true => self.varint()?.checked_sub(1),
            false => usize::try_from(self.i16()?).ok(),
        };
        let Some(length) = length else {
            return Some(None);
        };
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        Some(Some(text))
    }

    fn skip_tags(&mut self) -> Option<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.take(length)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(api: Api, version: i16) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(api.0.to_be_bytes());
        bytes.extend(version.to_be_bytes());
        bytes.extend(7_i32.to_be_bytes());
        bytes.extend(2_i16.to_be_bytes());
        bytes.extend(b"p1");
        bytes
    }

    #[test]
    fn requests_of_either_encoding_are_understood() {
        let mut plain = header(Api::END_TXN, 1);
        plain.extend(5_i16.to_be_bytes());
        plain.extend(b"group");
        let request = parse_request(&plain).unwrap();
        assert_eq!(
            (request.api, request.version, request.correlation),
            (Api::END_TXN, 1, 7)
        );
        assert_eq!(request.client, "p1");
        assert_eq!(request.transactional_id.as_deref(), Some("group"));

        let mut compact = header(Api::TXN_OFFSET_COMMIT, 3);
        compact.push(0);
        compact.extend(b"\x04t-1\x02g");
        compact.extend([0; 10]);
        compact.extend(12_i32.to_be_bytes());
        compact.extend(b"\x03me");
        let commit = offset_commit(&compact).unwrap();
        assert_eq!(
            (commit.transactional_id.as_str(), commit.group.as_str()),
            ("t-1", "g")
        );
        assert_eq!((commit.generation, commit.member.as_str()), (12, "me"));
        assert_eq!(offset_commit(&plain), None);
        assert_eq!(parse_request(&plain[..9]), None);
    }

    #[test]
    fn the_error_of_a_response_is_found() {
        let request = parse_request(&[header(Api::END_TXN, 1), vec![0, 0]].concat()).unwrap();
        let response = [
            7_i32.to_be_bytes().as_slice(),
            &0_i32.to_be_bytes(),
            &47_i16.to_be_bytes(),
        ]
        .concat();
        assert_eq!(error_of(&request, &response), Some(47));
        assert_eq!(correlation_of(&response), Some(7));
    }

    #[test]
    fn messages_are_cut_where_they_end() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, b"one").unwrap();
        write_message(&mut bytes, b"").unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(read_message(&mut from).unwrap().unwrap(), b"one");
        assert_eq!(read_message(&mut from).unwrap().unwrap(), b"");
        assert_eq!(read_message(&mut from).unwrap(), None);
        assert!(read_message(&mut [0xff_u8, 0, 0, 0].as_slice()).is_err());
    }
}
