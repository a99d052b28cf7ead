//! The records of the wire contract as plain data. No format, no rule and no I/O lives here: the codec next door turns
//! bytes into these, the domain folds them, the report database stores them.
//!
//! Facts borrow from the bytes they were decoded from; outputs own what they say.

mod owned;

use std::fmt;

pub use owned::{OwnedEvent, OwnedPayload};

/// Milliseconds since 1970-01-01T00:00:00Z, the time at which something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// `self - earlier` in milliseconds; saturates at the ends of the range instead of wrapping.
    #[must_use]
    pub fn since_ms(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Declares a fieldless enum together with its symbols on the wire, in the order of the schema.
macro_rules! symbols {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $symbol:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the schema.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The symbol on the wire, in JSON, in metrics and in documents.
            #[must_use]
            pub const fn symbol(self) -> &'static str {
                match self { $($name::$variant => $symbol),+ }
            }

            /// The value with this symbol, if there is one.
            #[must_use]
            pub fn from_symbol(symbol: &str) -> Option<Self> {
                match symbol { $($symbol => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.symbol())
            }
        }
    };
}

symbols! {
    /// What kind of actor somebody is.
    ActorKind { User = "user", Lead = "lead", Teammate = "teammate", Bot = "bot", System = "system" }
}

impl ActorKind {
    /// A customer is a user or a lead.
    #[must_use]
    pub fn is_customer(self) -> bool {
        matches!(self, ActorKind::User | ActorKind::Lead)
    }
}

symbols! {
    /// How a conversation began.
    Origin {
        CustomerInitiated = "customer_initiated",
        VisitorMessage = "visitor_message",
        OutboundMessage = "outbound_message",
        CustomBot = "custom_bot",
    }
}

symbols! {
    /// Where a conversation lives, and so where its request goes out.
    Channel { Messenger = "messenger", Email = "email" }
}

symbols! {
    /// How a message's text is written.
    Format { Plain = "plain", Html = "html" }
}

symbols! {
    /// Who can see a message; an internal one is a note among teammates.
    Visibility { Public = "public", Internal = "internal" }
}

symbols! {
    /// The five reactions, worst to best.
    Reaction { Terrible = "terrible", Bad = "bad", Ok = "ok", Great = "great", Amazing = "amazing" }
}

symbols! {
    /// Why a close asked for no rating, in the order in which the reasons are reported.
    Criterion {
        NotLive = "not_live",
        ClosedByNonTeammate = "closed_by_non_teammate",
        NoCustomer = "no_customer",
        NoTeammateReply = "no_teammate_reply",
        TooShort = "too_short",
        Stale = "stale",
        GroupConversation = "group_conversation",
        AlreadyRequested = "already_requested",
        OriginNotCustomer = "origin_not_customer",
    }
}

symbols! {
    /// Why an answer was refused.
    RefusalReason {
        NoRequest = "no_request",
        Deleted = "deleted",
        NotTheAskedCustomer = "not_the_asked_customer",
        CommentTooLong = "comment_too_long",
        Locked = "locked",
        CommentBeforeReaction = "comment_before_reaction",
    }
}

/// Somebody, as a fact names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor<'a> {
    pub kind: ActorKind,
    pub id: &'a str,
}

/// Somebody, as an output names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedActor {
    pub kind: ActorKind,
    pub id: String,
}

/// One fact about one conversation: a record of `conversation-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationEvent<'a> {
    pub event_id: &'a str,
    pub workspace_id: &'a str,
    pub conversation_id: &'a str,
    pub occurred_at: Timestamp,
    pub payload: Payload<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    ConversationStarted {
        origin: Origin,
        initiator: Actor<'a>,
        channel: Channel,
    },
    MessageAdded {
        author: Actor<'a>,
        text: &'a str,
        format: Format,
        visibility: Visibility,
    },
    ParticipantJoined {
        participant: Actor<'a>,
    },
    ParticipantLeft {
        participant: Actor<'a>,
    },
    ConversationClosed {
        by: Actor<'a>,
    },
    ConversationSnoozed {
        by: Actor<'a>,
        until: Option<Timestamp>,
    },
    ConversationReopened {
        by: Actor<'a>,
    },
    ConversationDeleted {
        by: Actor<'a>,
    },
    ReactionSelected {
        request_id: &'a str,
        customer_id: &'a str,
        reaction: Reaction,
    },
    CommentLeft {
        request_id: &'a str,
        customer_id: &'a str,
        text: &'a str,
    },
}

impl Payload<'_> {
    /// The names of all kinds in JSON and in metrics, in the order of the schema's union.
    pub const KINDS: &'static [&'static str] = &[
        "conversation_started",
        "message_added",
        "participant_joined",
        "participant_left",
        "conversation_closed",
        "conversation_snoozed",
        "conversation_reopened",
        "conversation_deleted",
        "reaction_selected",
        "comment_left",
    ];

    /// This kind's place in [`Payload::KINDS`] and in the schema's union.
    #[must_use]
    pub fn kind_index(&self) -> usize {
        match self {
            Payload::ConversationStarted { .. } => 0,
            Payload::MessageAdded { .. } => 1,
            Payload::ParticipantJoined { .. } => 2,
            Payload::ParticipantLeft { .. } => 3,
            Payload::ConversationClosed { .. } => 4,
            Payload::ConversationSnoozed { .. } => 5,
            Payload::ConversationReopened { .. } => 6,
            Payload::ConversationDeleted { .. } => 7,
            Payload::ReactionSelected { .. } => 8,
            Payload::CommentLeft { .. } => 9,
        }
    }

    /// This kind's name in JSON and in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        Self::KINDS[self.kind_index()]
    }
}

/// A record of `rating-requested`: the survey was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatingRequested {
    pub request_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub customer: OwnedActor,
    pub teammate_id: String,
    pub channel: Channel,
    pub requested_at: Timestamp,
    pub settings_version: i64,
}

/// A record of `rating-submitted`: one accepted change of a rating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatingSubmitted {
    pub request_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub customer: OwnedActor,
    pub teammate_id: String,
    pub channel: Channel,
    pub requested_at: Timestamp,
    pub first_rated_at: Timestamp,
    pub submitted_at: Timestamp,
    pub revision: i32,
    /// Null at revision 1 alone.
    pub previous_reaction: Option<Reaction>,
    pub reaction: Reaction,
    pub comment: Option<String>,
    pub locked: bool,
    pub after_reopen: bool,
}

/// What was measured at a close, one member a criterion or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    pub closed_by: ActorKind,
    pub plan: bool,
    pub live: bool,
    /// The kind of the only included customer.
    pub audience: Option<ActorKind>,
    pub customers: i32,
    pub teammate_replied: bool,
    /// Counted no further than one past the threshold.
    pub characters: i32,
    /// Null when there was no reply; negative when the last reply is later than the close.
    pub milliseconds_since_last_reply: Option<i64>,
    /// `None` is written `unknown`: the start was never seen.
    pub origin: Option<Origin>,
    pub already_requested: bool,
}

/// The limits a decision was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub characters: i32,
    pub milliseconds: i64,
}

/// A record of `eligibility-decided`: one for each time a conversation became closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EligibilityDecided {
    pub workspace_id: String,
    pub conversation_id: String,
    pub decided_at: Timestamp,
    pub requested: bool,
    pub failed: Vec<Criterion>,
    pub measured: Measured,
    pub thresholds: Thresholds,
    pub rules_version: i32,
    /// 0 is the default, in force before a workspace's first version.
    pub settings_version: i64,
    /// The last teammate, asked about or not.
    pub teammate_id: Option<String>,
    pub request_id: Option<String>,
}

/// A record of `answer-refused`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRefused {
    pub request_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub event_id: String,
    pub reason: RefusalReason,
    pub refused_at: Timestamp,
}

/// What share of ratings a workspace or a teammate should have positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// 0.0 to 1.0.
    pub positive_share: f64,
    pub minimum_ratings: i32,
}

/// A record of `workspace-settings`: one version of one workspace's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceSettings {
    pub workspace_id: String,
    /// 1 or more; 0 is the built-in default.
    pub version: i64,
    pub effective_from: Timestamp,
    pub live_for_users: bool,
    pub live_for_leads: bool,
    pub plan_includes_ratings: bool,
    /// An IANA name, such as `Europe/Berlin`.
    pub time_zone: String,
    pub target: Option<Target>,
    /// By teammate id.
    pub teammate_targets: std::collections::BTreeMap<String, Target>,
}

/// A record of `teammate-scorecards`: absolute values; the highest revision of a key is the present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeammateScorecard {
    pub workspace_id: String,
    pub teammate_id: String,
    /// ISO date in the workspace's time zone.
    pub day: String,
    pub requests: i64,
    pub requests_answered: i64,
    pub terrible: i64,
    pub bad: i64,
    pub ok: i64,
    pub great: i64,
    pub amazing: i64,
    pub comments: i64,
    pub revision: i64,
}

/// Any output of the fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    EligibilityDecided(EligibilityDecided),
    RatingRequested(RatingRequested),
    RatingSubmitted(RatingSubmitted),
    AnswerRefused(AnswerRefused),
}
