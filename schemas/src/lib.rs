//! The wire contract of Afterword: what its records say, and how they are written.
//!
//! - [`records`]: the records as plain data.
//! - [`SchemaStore`]: the writer schemas that are known. [`SchemaStore::decode_fact`] turns the bytes of a fact into a
//!   [`records::ConversationEvent`] that borrows from them; [`SchemaStore::decode`] reads any other record.
//! - [`Schemas`]: the store shared by a process, and a schema registry to ask for what it does not know.
//! - [`encode`]: a record to Avro bytes.
//! - [`json`]: the same records as flat JSON objects, in and out.
//! - [`limits`]: what an id and a text may be.
//!
//! The schemas themselves are the `.avsc` files beside this crate's manifest. No rule of the product lives here.

mod decode;
mod encode;
mod fact;
pub mod json;
mod kind;
mod known;
pub mod limits;
mod outputs;
pub mod records;
mod schema;
mod settings;
mod store;

pub use decode::error::DecodeError;
pub use decode::framing::{Framing, SchemaId, schema_id};
pub use decode::{Decoded, PassedOver};
pub use encode::{Record, encode};
pub use kind::RecordKind;
pub use known::{Framings, SchemaRegistry, Schemas, Unavailable};
pub use outputs::OwnedRecord;
pub use settings::InvalidMember;
pub use store::{SchemaError, SchemaStore};
