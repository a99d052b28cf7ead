//! The key of a conversation's state: its workspace, a zero byte, its id. Ids have no control characters, so no two
//! conversations share a key.

use std::sync::Arc;

/// A state's key, shared by the places of the cache that name it.
pub type Key = Arc<[u8]>;

/// Replaces `out` by the key of this conversation.
pub fn write_key(workspace_id: &str, conversation_id: &str, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(workspace_id.as_bytes());
    out.push(0);
    out.extend_from_slice(conversation_id.as_bytes());
}
