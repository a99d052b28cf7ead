//! Made-up writers: schemas of facts as other versions of a producer could have them.

use std::collections::HashSet;

use super::types::{Dice, Type};

/// A producer's schema of a fact.
pub struct Writer {
    of: Type,
}

impl Writer {
    /// The contract's schema, with up to many things changed.
    pub fn evolved(seed: u64) -> Self {
        let dice = Dice(seed);
        let mut evolution = Evolution {
            dice,
            names: 0,
            chance: 0,
        };
        // How many places stay as they are for one that changes: some writers are old, some are strange.
        evolution.chance = [3, 8, 20, 60][evolution.dice.below(4)];
        Self {
            of: evolution.event(),
        }
    }

    /// The schema as JSON text.
    pub fn schema(&self) -> String {
        self.of.schema(&mut HashSet::new()).to_string()
    }

    /// One value.
    pub fn body(&self, dice: &mut Dice) -> Vec<u8> {
        let mut out = Vec::new();
        self.of.write(dice, &mut out);
        out
    }
}

struct Evolution {
    dice: Dice,
    names: usize,
    chance: usize,
}

impl Evolution {
    fn changes(&mut self) -> bool {
        self.dice.once_in(self.chance)
    }

    fn name(&mut self, name: &str) -> String {
        self.names += 1;
        format!("n{}.{name}", self.names)
    }

    fn event(&mut self) -> Type {
        let actor = self.actor();
        let payload = self.payload(&actor);
        let time = self.time();
        let fields = [
            ("event_id", Type::Text),
            ("workspace_id", Type::Text),
            ("conversation_id", Type::Text),
            ("occurred_at", time),
        ];
        let mut fields: Vec<_> = fields.map(|(name, of)| (name, self.leaf(of))).into();
        fields.push(("payload", payload));
        self.record("ConversationEvent", fields)
    }

    fn payload(&mut self, actor: &Type) -> Type {
        let enumeration = |name: &'static str, symbols: &[&str]| {
            (
                name,
                symbols.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(),
            )
        };
        let origin = enumeration(
            "Origin",
            &[
                "customer_initiated",
                "visitor_message",
                "outbound_message",
                "custom_bot",
            ],
        );
        let channel = enumeration("Channel", &["messenger", "email"]);
        let format = enumeration("Format", &["plain", "html"]);
        let visibility = enumeration("Visibility", &["public", "internal"]);
        let reaction = enumeration("Reaction", &["terrible", "bad", "ok", "great", "amazing"]);
        let [origin, channel, format, visibility, reaction] =
            [origin, channel, format, visibility, reaction]
                .map(|(name, symbols)| self.symbols(name, symbols));
        let until = Type::Union(vec![Type::Null, self.time()]);
        let text = || Type::Text;
        let actor = || actor.clone();
        let kinds: Vec<(&str, Vec<(&str, Type)>)> = vec![
            (
                "ConversationStarted",
                vec![
                    ("origin", origin),
                    ("initiator", actor()),
                    ("channel", channel),
                ],
            ),
            (
                "MessageAdded",
                vec![
                    ("author", actor()),
                    ("text", text()),
                    ("format", format),
                    ("visibility", visibility),
                ],
            ),
            ("ParticipantJoined", vec![("participant", actor())]),
            ("ParticipantLeft", vec![("participant", actor())]),
            ("ConversationClosed", vec![("by", actor())]),
            (
                "ConversationSnoozed",
                vec![("by", actor()), ("until", until)],
            ),
            ("ConversationReopened", vec![("by", actor())]),
            ("ConversationDeleted", vec![("by", actor())]),
            (
                "ReactionSelected",
                vec![
                    ("request_id", text()),
                    ("customer_id", text()),
                    ("reaction", reaction),
                ],
            ),
            (
                "CommentLeft",
                vec![
                    ("request_id", text()),
                    ("customer_id", text()),
                    ("text", text()),
                ],
            ),
            (
                "ConversationRated",
                vec![("by", actor()), ("stars", Type::Int)],
            ),
        ];
        let mut branches = Vec::new();
        for (name, fields) in kinds {
            let fields = fields
                .into_iter()
                .map(|(name, of)| (name, self.leaf(of)))
                .collect();
            let kind = self.record(name, fields);
            if !self.changes() {
                branches.push(kind);
            }
        }
        if self.changes() {
            branches.push(Type::Null);
        }
        if self.changes() {
            branches.push(Type::Text);
        }
        if self.changes() {
            self.dice.shuffle(&mut branches);
        }
        match branches.pop() {
            Some(only) if branches.is_empty() || self.changes() => only,
            Some(last) => Type::Union([branches, vec![last]].concat()),
            None => Type::Boolean,
        }
    }

    fn actor(&mut self) -> Type {
        let kinds = ["user", "lead", "teammate", "bot", "system"]
            .map(str::to_owned)
            .to_vec();
        let kind = self.symbols("ActorKind", kinds);
        let (kind, id) = (self.leaf(kind), self.leaf(Type::Text));
        self.record("Actor", vec![("kind", kind), ("id", id)])
    }

    fn time(&mut self) -> Type {
        if !self.changes() {
            return Type::Logical("timestamp-millis", Box::new(Type::Long));
        }
        match self.dice.below(4) {
            0 => Type::Int,
            1 => Type::Logical("timestamp-micros", Box::new(Type::Long)),
            2 => Type::Logical("date", Box::new(Type::Int)),
            _ => Type::Long,
        }
    }

    fn symbols(&mut self, name: &str, mut symbols: Vec<String>) -> Type {
        if self.dice.once_in(4) {
            let at = self.dice.below(symbols.len() + 1);
            symbols.insert(at, format!("new_{at}"));
        }
        if self.changes() && symbols.len() > 1 {
            let at = self.dice.below(symbols.len());
            symbols.remove(at);
        }
        if self.changes() {
            self.dice.shuffle(&mut symbols);
        }
        Type::Enum(self.name(name), symbols)
    }

    /// A field's type, perhaps another, perhaps in a union.
    fn leaf(&mut self, of: Type) -> Type {
        let of = match of {
            Type::Text if self.changes() => match self.dice.below(4) {
                0 => Type::Characters("bytes"),
                1 => Type::Fixed(self.name("F"), self.dice.number() as usize % 20),
                _ => Type::Characters("bytes"),
            },
            Type::Enum(..) if self.changes() => Type::Text,
            other => other,
        };
        if self.changes() && self.changes() {
            return self.anything(2);
        }
        match of {
            Type::Union(mut branches) if self.changes() => match self.dice.below(3) {
                0 => branches.remove(1),
                1 => branches.remove(0),
                _ => {
                    branches.reverse();
                    Type::Union(branches)
                }
            },
            Type::Union(branches) => Type::Union(branches),
            of if self.changes() => {
                let mut branches = vec![of, Type::Null, Type::Boolean];
                branches.truncate(self.dice.below(3) + 1);
                self.dice.shuffle(&mut branches);
                Type::Union(branches)
            }
            of => of,
        }
    }

    /// A record with these fields, some of them gone, others added.
    fn record(&mut self, name: &str, fields: Vec<(&str, Type)>) -> Type {
        let mut fields: Vec<_> = fields
            .into_iter()
            .map(|(name, of)| (name.to_owned(), of))
            .collect();
        if self.changes() && self.changes() || name == "MessageAdded" && self.changes() {
            fields.pop();
        }
        while self.changes() {
            let at = self.dice.below(fields.len() + 1);
            let extra = (format!("extra_{}", fields.len()), self.anything(3));
            fields.insert(at, extra);
        }
        if self.changes() {
            self.dice.shuffle(&mut fields);
        }
        Type::Record(self.name(name), fields)
    }

    fn anything(&mut self, depth: usize) -> Type {
        match self.dice.below(if depth == 0 { 11 } else { 16 }) {
            0 => Type::Null,
            1 => Type::Boolean,
            2 => Type::Int,
            3 => Type::Long,
            4 => Type::Float,
            5 => Type::Double,
            6 => Type::Bytes,
            7 => Type::Text,
            8 => Type::Fixed(self.name("F"), self.dice.number() as usize % 5),
            9 => Type::Enum(self.name("E"), vec!["A".to_owned(), "user".to_owned()]),
            10 => match self.dice.below(3) {
                0 => Type::Logical("date", Box::new(Type::Int)),
                1 => Type::Logical("time-micros", Box::new(Type::Long)),
                _ => Type::Logical("decimal", Box::new(Type::Bytes)),
            },
            11 => Type::Array(Box::new(self.anything(depth - 1))),
            12 => Type::Map(Box::new(self.anything(depth - 1))),
            13 => Type::Union(vec![
                Type::Null,
                Type::Array(Box::new(self.anything(depth - 1))),
                Type::Text,
            ]),
            14 => Type::Linked(self.name("Linked")),
            _ => {
                let fields = (0..self.dice.below(3))
                    .map(|n| (format!("f{n}"), self.anything(depth - 1)))
                    .collect();
                Type::Record(self.name("R"), fields)
            }
        }
    }
}
