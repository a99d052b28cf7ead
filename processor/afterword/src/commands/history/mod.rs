//! History looked at once more: facts and outputs read as any consumer would, on either log, and facts folded in a plain loop
//! with bounded memory. `verify` and `replay` rest on it.
//!
//! | module | does |
//! | --- | --- |
//! | `reader`, `codec` | reads topics up to an end taken beforehand |
//! | `found` | reads output topics, with what their headers say of their cause |
//! | `walk`, `passes` | goes over a partition's facts, in as many passes as memory asks for |
//! | `conversations` | folds, and knows what that holds |

pub mod codec;
pub mod conversations;
pub mod found;
pub mod passes;
pub mod reader;
pub mod walk;
