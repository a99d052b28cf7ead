//! The bytes of a stored conversation: format 1. Made to be small, since there are tens of millions of them: an ordinary
//! settled conversation with short ids takes about 50 bytes.
//!
//! ```text
//! 1                      the format's version; bytes of an unknown one are refused
//! flags                  16 bits, little-endian, see `flag`
//! sum                    of characters
//! [first, last]          times of customers' messages
//! customers              count; each: length × 4 + included × 2 + user, id, last_at
//! [teammate's message]   length, id, time
//! [closed]               time
//! counted                count, 8 bytes each
//! remembered             count, 8 bytes each
//! [request]              time; customer's place among the customers + 1, or 0, length, id; [teammate: length, id];
//!                        [rating: reaction, revision, time of the first; [comment's digest: 16 bytes]]
//! ```
//!
//! Numbers are LEB128. A time is the zigzag of its difference to the time before it in this list (the first: to 1970), modulo
//! 2⁶⁴, so that no time is too far. What is in brackets is there when its flag says so. Stored states of a format must be
//! readable for ever: `tests/stored/` holds some.

use afterword_schemas::records::{ActorKind, Channel, Origin, OwnedActor, Reaction};
use thiserror::Error;

use crate::coding::{Reader, Writer};
use crate::conversation::{Conversation, Start, Status};
use crate::rating::{Rating, Request};
use crate::registers::{Characters, Customer, Registers, TeammateMessage};
use crate::remembered::{REMEMBERED_IDS, Remembered};

/// The format that [`Conversation::encode`] writes, and its first byte.
pub const FORMAT: u8 = 1;

/// Why bytes are not a stored conversation. The conversation's facts are in the log: fold them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// The first byte names a format that this build does not know: that of a later build, or no state at all.
    #[error(
        "a stored conversation of format {found}, and this build reads format {FORMAT} alone: run a build that knows it, or \
         fold the conversation's facts again"
    )]
    UnknownFormat {
        /// The format they name.
        found: u8,
    },
    /// Too short, too long, or something that was never written.
    #[error(
        "a damaged stored conversation: {expected} was expected: fold the conversation's facts again"
    )]
    Damaged {
        /// What should have stood where something else did.
        expected: &'static str,
    },
}

/// The 16 flags.
mod flag {
    /// 0 unknown, else the origin's place + 1.
    pub(super) const ORIGIN: u16 = 0b111;
    pub(super) const START_EMAIL: u16 = 1 << 3;
    /// 0 open, 1 snoozed, 2 closed, 3 deleted.
    pub(super) const STATUS_SHIFT: u32 = 4;
    pub(super) const STATUS: u16 = 0b11 << STATUS_SHIFT;
    /// A request is held; of a deleted conversation, that one was.
    pub(super) const ASKED: u16 = 1 << 6;
    pub(super) const OVERFLOWED: u16 = 1 << 7;
    pub(super) const CUSTOMER_MESSAGES: u16 = 1 << 8;
    pub(super) const TEAMMATE_MESSAGE: u16 = 1 << 9;
    pub(super) const AFTER_REOPEN: u16 = 1 << 10;
    pub(super) const RATING: u16 = 1 << 11;
    pub(super) const COMMENT: u16 = 1 << 12;
    /// The request is about the one who wrote the last teammate's message.
    pub(super) const ABOUT_LAST_TEAMMATE: u16 = 1 << 13;
    pub(super) const ASKED_USER: u16 = 1 << 14;
    pub(super) const REQUEST_EMAIL: u16 = 1 << 15;
}

impl Conversation {
    /// Appends the stored form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        out.extend_from_slice(&self.flags().to_le_bytes());
        let mut writer = Writer::new(out);
        let Registers {
            customers,
            customer_messages,
            last_teammate_message,
            characters,
        } = &self.registers;
        writer.number(u64::from(characters.sum));
        if let Some((first, last)) = customer_messages {
            writer.time(*first);
            writer.time(*last);
        }
        writer.count(customers.len());
        for customer in customers {
            let bits = u64::from(customer.included) << 1 | u64::from(customer.is_user);
            writer.number((customer.id.len() as u64) << 2 | bits);
            writer.out.extend_from_slice(customer.id.as_bytes());
            writer.time(customer.last_at);
        }
        if let Some(message) = last_teammate_message {
            writer.string(&message.teammate_id);
            writer.time(message.at);
        }
        if let Status::Closed { at } = self.status {
            writer.time(at);
        }
        writer.hashes(&characters.counted);
        writer.hashes(&self.remembered.hashes);
        if let Some(request) = &self.request {
            self.encode_request(request, &mut writer);
        }
    }

    fn encode_request(&self, request: &Request, writer: &mut Writer<'_>) {
        writer.time(request.requested_at);
        let customers = &self.registers.customers;
        match customers.binary_search_by(|known| (*known.id).cmp(&request.customer.id)) {
            Ok(place) => writer.count(place + 1),
            Err(_) => {
                writer.count(0);
                writer.string(&request.customer.id);
            }
        }
        if !self.is_about_last_teammate(request) {
            writer.string(&request.teammate_id);
        }
        if let Some(rating) = &request.rating {
            writer.out.push(rating.reaction as u8);
            writer.number(u64::from(rating.revision.unsigned_abs()));
            writer.time(rating.first_rated_at);
            if let Some(digest) = rating.comment_digest {
                writer.out.extend_from_slice(&digest.to_le_bytes());
            }
        }
    }

    fn flags(&self) -> u16 {
        let (status, deleted_asked) = match self.status {
            Status::Open => (0, false),
            Status::Snoozed => (1, false),
            Status::Closed { .. } => (2, false),
            Status::Deleted { asked } => (3, asked),
        };
        let origin = self.start.map_or(0, |start| start.origin as u16 + 1);
        let request = self.request.as_deref();
        let rating = request.and_then(|request| request.rating);
        let set = |bit: u16, is_set: bool| if is_set { bit } else { 0 };
        origin
            | status << flag::STATUS_SHIFT
            | set(
                flag::START_EMAIL,
                self.start
                    .is_some_and(|start| start.channel == Channel::Email),
            )
            | set(flag::ASKED, request.is_some() || deleted_asked)
            | set(flag::OVERFLOWED, self.remembered.overflowed)
            | set(
                flag::CUSTOMER_MESSAGES,
                self.registers.customer_messages.is_some(),
            )
            | set(
                flag::TEAMMATE_MESSAGE,
                self.registers.last_teammate_message.is_some(),
            )
            | set(
                flag::AFTER_REOPEN,
                request.is_some_and(|request| request.after_reopen),
            )
            | set(flag::RATING, rating.is_some())
            | set(
                flag::COMMENT,
                rating.is_some_and(|rating| rating.comment_digest.is_some()),
            )
            | set(
                flag::ABOUT_LAST_TEAMMATE,
                request.is_some_and(|request| self.is_about_last_teammate(request)),
            )
            | set(
                flag::ASKED_USER,
                request.is_some_and(|request| request.customer.kind == ActorKind::User),
            )
            | set(
                flag::REQUEST_EMAIL,
                request.is_some_and(|request| request.channel == Channel::Email),
            )
    }

    fn is_about_last_teammate(&self, request: &Request) -> bool {
        let last = self.registers.last_teammate_message.as_ref();
        last.is_some_and(|last| last.teammate_id == request.teammate_id)
    }

    /// Reads the stored form back.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are of an unknown format or damaged. Every length is checked against the bytes that are
    /// there before anything is allocated.
    pub fn decode(bytes: &[u8]) -> Result<Conversation, StateError> {
        let mut reader = Reader::new(bytes);
        let found = reader.byte("a format")?;
        if found != FORMAT {
            return Err(StateError::UnknownFormat { found });
        }
        let flags = u16::from_le_bytes(reader.array("flags")?);
        let is_set = |bit: u16| flags & bit != 0;
        let start = decode_start(flags)?;
        let sum = reader.number_u32("a sum of characters")?;
        let customer_messages = if is_set(flag::CUSTOMER_MESSAGES) {
            Some((reader.time()?, reader.time()?))
        } else {
            None
        };
        let customers = reader.customers()?;
        let last_teammate_message = if is_set(flag::TEAMMATE_MESSAGE) {
            let teammate_id = reader.string()?.into();
            Some(TeammateMessage {
                teammate_id,
                at: reader.time()?,
            })
        } else {
            None
        };
        let status = match (flags & flag::STATUS) >> flag::STATUS_SHIFT {
            0 => Status::Open,
            1 => Status::Snoozed,
            2 => Status::Closed { at: reader.time()? },
            _ => Status::Deleted {
                asked: is_set(flag::ASKED),
            },
        };
        let counted = reader.hashes(usize::MAX)?;
        let hashes = reader.hashes(REMEMBERED_IDS)?;
        let characters = Characters { sum, counted };
        let registers = Registers {
            customers,
            customer_messages,
            last_teammate_message,
            characters,
        };
        let request = match status {
            Status::Deleted { .. } => None,
            _ if is_set(flag::ASKED) => Some(Box::new(reader.request(flags, &registers)?)),
            _ => None,
        };
        reader.end()?;
        let remembered = Remembered {
            hashes,
            overflowed: is_set(flag::OVERFLOWED),
        };
        Ok(Conversation {
            start,
            status,
            registers,
            request,
            remembered,
        })
    }
}

fn decode_start(flags: u16) -> Result<Option<Start>, StateError> {
    let Some(place) = (flags & flag::ORIGIN).checked_sub(1) else {
        return Ok(None);
    };
    let origin = Origin::ALL.get(usize::from(place)).copied();
    let origin = origin.ok_or(StateError::Damaged {
        expected: "an origin",
    })?;
    Ok(Some(Start {
        origin,
        channel: channel(flags & flag::START_EMAIL != 0),
    }))
}

fn channel(is_email: bool) -> Channel {
    if is_email {
        Channel::Email
    } else {
        Channel::Messenger
    }
}

impl Reader<'_> {
    fn customers(&mut self) -> Result<Vec<Customer>, StateError> {
        let expected = "customers, ascending by id";
        let count = self.count(expected)?;
        // Each takes two bytes at least.
        if count > self.rest.len() / 2 {
            return Err(StateError::Damaged { expected });
        }
        let mut customers: Vec<Customer> = Vec::with_capacity(count);
        for _ in 0..count {
            let head = self.count(expected)?;
            let id = self.text(head >> 2)?;
            if customers.last().is_some_and(|before| *before.id >= *id) {
                return Err(StateError::Damaged { expected });
            }
            let (included, is_user) = (head & 2 != 0, head & 1 != 0);
            customers.push(Customer {
                id: id.into(),
                last_at: self.time()?,
                included,
                is_user,
            });
        }
        Ok(customers)
    }

    fn request(&mut self, flags: u16, registers: &Registers) -> Result<Request, StateError> {
        let is_set = |bit: u16| flags & bit != 0;
        let requested_at = self.time()?;
        let expected = "the customer who was asked";
        let id = match self.count(expected)?.checked_sub(1) {
            None => self.string()?,
            Some(place) => match registers.customers.get(place) {
                Some(customer) => &customer.id,
                None => return Err(StateError::Damaged { expected }),
            },
        };
        let kind = if is_set(flag::ASKED_USER) {
            ActorKind::User
        } else {
            ActorKind::Lead
        };
        let customer = OwnedActor {
            kind,
            id: id.to_owned(),
        };
        let teammate_id = match &registers.last_teammate_message {
            Some(last) if is_set(flag::ABOUT_LAST_TEAMMATE) => last.teammate_id.clone(),
            _ => self.string()?.into(),
        };
        let rating = if is_set(flag::RATING) {
            Some(self.rating(is_set(flag::COMMENT))?)
        } else {
            None
        };
        Ok(Request {
            customer,
            teammate_id,
            channel: channel(is_set(flag::REQUEST_EMAIL)),
            requested_at,
            after_reopen: is_set(flag::AFTER_REOPEN),
            rating,
        })
    }

    fn rating(&mut self, has_comment: bool) -> Result<Rating, StateError> {
        let place = usize::from(self.byte("a reaction")?);
        let reaction = Reaction::ALL.get(place).copied();
        let reaction = reaction.ok_or(StateError::Damaged {
            expected: "a reaction",
        })?;
        let expected = "a revision";
        let revision =
            i32::try_from(self.number(expected)?).map_err(|_| StateError::Damaged { expected })?;
        let first_rated_at = self.time()?;
        let comment_digest = if has_comment {
            Some(u128::from_le_bytes(self.array("a comment's digest")?))
        } else {
            None
        };
        Ok(Rating {
            reaction,
            revision,
            first_rated_at,
            comment_digest,
        })
    }
}
