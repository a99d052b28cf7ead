//! What a conversation costs in memory, for those who must bound how many they keep.

use std::mem::size_of;

use crate::conversation::Conversation;
use crate::rating::Request;
use crate::registers::Customer;

impl Conversation {
    /// The bytes this value takes, with what it points to and without the allocator's own.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let registers = &self.registers;
        let ids: usize = registers
            .customers
            .iter()
            .map(|customer| customer.id.len())
            .sum();
        let teammate = registers.last_teammate_message.as_ref();
        size_of::<Conversation>()
            + ids
            + registers.customers.capacity() * size_of::<Customer>()
            + teammate.map_or(0, |message| message.teammate_id.len())
            + registers.characters.counted.capacity() * size_of::<u64>()
            + self.remembered.hashes.capacity() * size_of::<u64>()
            + self.request.as_ref().map_or(0, |request| {
                size_of::<Request>() + request.customer.id.len() + request.teammate_id.len()
            })
    }
}
