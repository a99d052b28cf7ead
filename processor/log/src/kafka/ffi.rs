//! The one file of unsafe code: messages as librdkafka holds them, read where they lie.
//!
//! rust-rdkafka hands out one message at a time, and for no longer than its queue is borrowed. A task folds thousands at a
//! time and needs its log meanwhile, so messages are taken here from librdkafka's own batch call and owned until the batch is
//! cleared.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fmt;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{IsError, RDKafkaErrorCode};

use super::client::Consumer;
use crate::batch::RecordRef;
use crate::record::{Offset, Partition};

/// Messages of one partition, owned: librdkafka frees each when it is destroyed here.
#[derive(Default)]
pub(crate) struct Messages {
    pointers: Vec<NonNull<sys::rd_kafka_message_t>>,
    bytes: usize,
    /// librdkafka wants every message destroyed before its client.
    client: Option<Arc<Consumer>>,
}

// SAFETY: a message is plain memory that belongs to whoever took it from its queue; librdkafka counts references to the
// buffers behind it atomically. Nothing but one `Messages` points to it. It is not `Sync`: reading headers parses them in place.
unsafe impl Send for Messages {}

impl Messages {
    /// Destroys the messages and keeps the vector's memory.
    pub(crate) fn clear(&mut self) {
        for message in self.pointers.drain(..) {
            // SAFETY: the pointer came from `rd_kafka_consume_batch_queue` and is destroyed once, here.
            unsafe { sys::rd_kafka_message_destroy(message.as_ptr()) };
        }
        self.bytes = 0;
        self.client = None;
    }

    pub(crate) fn len(&self) -> usize {
        self.pointers.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pointers.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn last_offset(&self) -> Option<Offset> {
        self.pointers.last().map(|message| offset(*message))
    }

    pub(crate) fn last_timestamp_ms(&self) -> Option<i64> {
        self.pointers.last().map(|message| timestamp_ms(*message))
    }

    /// The messages as records, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RecordRef<'_>> {
        self.pointers.iter().map(|message| {
            // SAFETY: the message lives as long as `self` is borrowed, and its fields do not change.
            let fields = unsafe { message.as_ref() };
            RecordRef {
                offset: offset(*message),
                timestamp_ms: timestamp_ms(*message),
                // SAFETY: as librdkafka fills them: null, or so many bytes that live as long as the message.
                key: unsafe { bytes(fields.key, fields.key_len) },
                // SAFETY: as above.
                value: unsafe { bytes(fields.payload, fields.len) },
                headers: MessageHeaders {
                    messages: self,
                    message: *message,
                    index: 0,
                }
                .into(),
            }
        })
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn offset(message: NonNull<sys::rd_kafka_message_t>) -> Offset {
    // SAFETY: callers hold the `Messages` that owns it.
    let offset = unsafe { message.as_ref() }.offset;
    Offset(u64::try_from(offset).unwrap_or(0))
}

fn timestamp_ms(message: NonNull<sys::rd_kafka_message_t>) -> i64 {
    // SAFETY: callers hold the `Messages` that owns it; a null kind is allowed.
    unsafe { sys::rd_kafka_message_timestamp(message.as_ptr(), ptr::null_mut()) }
}

/// # Safety
/// `data` is null or points to `len` bytes that live for `'a`.
unsafe fn bytes<'a>(data: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    (!data.is_null()).then(|| unsafe { slice::from_raw_parts(data.cast(), len) })
}

/// The headers of one message, in order.
#[derive(Clone, Debug)]
pub(crate) struct MessageHeaders<'a> {
    messages: &'a Messages,
    message: NonNull<sys::rd_kafka_message_t>,
    index: usize,
}

impl<'a> MessageHeaders<'a> {
    pub(crate) fn next(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        debug_assert!(!self.messages.is_empty());
        let mut headers = ptr::null_mut();
        // SAFETY: the message lives for `'a`, since `messages` owns it; the list belongs to the message.
        let found =
            unsafe { sys::rd_kafka_message_headers(self.message.as_ptr(), &raw mut headers) };
        if found.is_error() {
            return None;
        }
        let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list is the message's; past its end the call answers with an error.
        let got = unsafe {
            sys::rd_kafka_header_get_all(
                headers,
                self.index,
                &raw mut name,
                &raw mut value,
                &raw mut len,
            )
        };
        if got.is_error() {
            return None;
        }
        self.index += 1;
        // SAFETY: a name ends with a zero byte and lives as long as the message.
        let name = unsafe { std::ffi::CStr::from_ptr(name) }.to_bytes();
        // SAFETY: null or `len` bytes that live as long as the message.
        Some((name, unsafe { bytes(value, len) }))
    }
}

/// The queue of one assigned partition, apart from its consumer's.
pub(super) struct PartitionQueue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    consumer: Arc<Consumer>,
}

// SAFETY: librdkafka's queues are made for many threads, each with a lock of its own.
unsafe impl Send for PartitionQueue {}

/// What a queue gave beside messages.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// The partition's end was reached: reading goes on here.
    pub end: Option<Offset>,
    /// Reading failed here. Messages behind it are not to be believed.
    pub error: Option<(RDKafkaErrorCode, String)>,
}

impl PartitionQueue {
    /// The queue of a partition; call it before the partition is assigned, so that nothing goes elsewhere.
    pub(super) fn of(consumer: &Arc<Consumer>, topic: &str, partition: Partition) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        let partition = i32::try_from(partition.0).ok()?;
        let client = consumer.client().native_ptr();
        // SAFETY: the client lives as long as `consumer`, which the queue holds.
        let queue = unsafe { sys::rd_kafka_queue_get_partition(client, topic.as_ptr(), partition) };
        let queue = NonNull::new(queue)?;
        // SAFETY: both are this client's; null means: forward to nowhere.
        unsafe { sys::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut()) };
        Some(PartitionQueue {
            queue,
            consumer: Arc::clone(consumer),
        })
    }

    /// Takes at most `most` messages; waits this long for the first one alone.
    pub(super) fn fetch(&self, most: usize, wait: Duration, messages: &mut Messages) -> Fetched {
        let mut fetched = Fetched::default();
        // The batch call waits until all are there or the time is up: so one with waiting, and then what is there.
        self.take(1, wait, messages, &mut fetched);
        if !messages.is_empty() && fetched.error.is_none() {
            let left = most.saturating_sub(messages.len());
            self.take(left, Duration::ZERO, messages, &mut fetched);
        }
        fetched
    }

    fn take(&self, most: usize, wait: Duration, messages: &mut Messages, fetched: &mut Fetched) {
        let mut taken: Vec<*mut sys::rd_kafka_message_t> = vec![ptr::null_mut(); most];
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive, and `taken` has room for `most` pointers.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                wait_ms,
                taken.as_mut_ptr(),
                most,
            )
        };
        taken.truncate(usize::try_from(count).unwrap_or(0));
        messages
            .client
            .get_or_insert_with(|| Arc::clone(&self.consumer));
        for message in taken.into_iter().filter_map(NonNull::new) {
            // SAFETY: just taken, not yet destroyed.
            let fields = unsafe { message.as_ref() };
            if !fields.err.is_error() && fetched.error.is_none() {
                messages.bytes += fields.len + fields.key_len;
                messages.pointers.push(message);
                continue;
            }
            if fetched.error.is_none() {
                note(message, fetched);
            }
            // SAFETY: it was not kept.
            unsafe { sys::rd_kafka_message_destroy(message.as_ptr()) };
        }
    }

    /// The partition's end as the last answer to a fetch told, open transactions included.
    pub(super) fn known_end(&self, topic: &str, partition: Partition) -> Option<Offset> {
        let topic = CString::new(topic).ok()?;
        let (mut low, mut high) = (0_i64, 0_i64);
        // SAFETY: the client is alive; the call only reads what it knows.
        let error = unsafe {
            sys::rd_kafka_get_watermark_offsets(
                self.consumer.client().native_ptr(),
                topic.as_ptr(),
                i32::try_from(partition.0).ok()?,
                &raw mut low,
                &raw mut high,
            )
        };
        let high = u64::try_from(high).ok()?;
        (!error.is_error()).then_some(Offset(high))
    }
}

fn note(message: NonNull<sys::rd_kafka_message_t>, fetched: &mut Fetched) {
    // SAFETY: the caller holds it.
    let fields = unsafe { message.as_ref() };
    let code = RDKafkaErrorCode::from(fields.err);
    if code == RDKafkaErrorCode::PartitionEOF {
        fetched.end = Some(offset(message));
        return;
    }
    // SAFETY: an error's message has a text that lives as long as it.
    let text = unsafe { sys::rd_kafka_message_errstr(message.as_ptr()) };
    let text = match text.is_null() {
        true => String::new(),
        // SAFETY: not null, and ends with a zero byte.
        false => unsafe { std::ffi::CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    };
    fetched.error = Some((code, text));
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: destroyed once, here, before the client, which `consumer` keeps.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}
