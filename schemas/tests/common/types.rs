//! A writer's types: a small tree that gives both a schema's JSON and bytes of it, so that the bytes can have what
//! apache-avro never writes, such as blocks with their size.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

/// A small generator of numbers (SplitMix64), so that one seed repeats one case.
pub struct Dice(pub u64);

impl Dice {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (2..=items.len()).rev() {
            items.swap(self.below(end), end - 1);
        }
    }
}

/// A writer's type.
#[derive(Clone, Debug)]
pub enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    /// A string; ids and texts alike are written as one word.
    Text,
    /// A string, or bytes, or a fixed, of characters.
    Characters(&'static str),
    Fixed(String, usize),
    Enum(String, Vec<String>),
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    Record(String, Vec<(String, Type)>),
    /// A list that refers to itself.
    Linked(String),
    /// A logical type over a primitive.
    Logical(&'static str, Box<Type>),
}

impl Type {
    /// The schema's JSON. A named type is defined where it comes first, and named from then on.
    pub fn schema(&self, defined: &mut HashSet<String>) -> Json {
        if let Type::Fixed(name, _)
        | Type::Enum(name, _)
        | Type::Record(name, _)
        | Type::Linked(name) = self
            && !defined.insert(name.clone())
        {
            return json!(name);
        }
        match self {
            Type::Null => json!("null"),
            Type::Boolean => json!("boolean"),
            Type::Int => json!("int"),
            Type::Long => json!("long"),
            Type::Float => json!("float"),
            Type::Double => json!("double"),
            Type::Bytes => json!("bytes"),
            Type::Text => json!("string"),
            Type::Characters(kind) => json!(kind),
            Type::Fixed(name, size) => json!({"type": "fixed", "name": name, "size": size}),
            Type::Enum(name, symbols) => json!({"type": "enum", "name": name, "symbols": symbols}),
            Type::Array(items) => json!({"type": "array", "items": items.schema(defined)}),
            Type::Map(values) => json!({"type": "map", "values": values.schema(defined)}),
            Type::Union(branches) => branches
                .iter()
                .map(|branch| branch.schema(defined))
                .collect(),
            Type::Record(name, fields) => {
                let field =
                    |(name, of): &(String, Type)| json!({"name": name, "type": of.schema(defined)});
                let fields: Vec<_> = fields.iter().map(field).collect();
                json!({"type": "record", "name": name, "fields": fields})
            }
            Type::Linked(name) => json!({"type": "record", "name": name, "fields": [
                {"name": "item", "type": "int"}, {"name": "next", "type": ["null", name]}]}),
            Type::Logical(logical, base) => {
                let mut schema = json!({"type": base.schema(defined), "logicalType": logical});
                if *logical == "decimal" {
                    schema["precision"] = json!(4);
                }
                schema
            }
        }
    }

    /// Appends a value of this type.
    pub fn write(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        match self {
            Type::Null => {}
            Type::Boolean => out.push(dice.below(2) as u8),
            Type::Int => long(i64::from(dice.number() as i32 >> dice.below(32)), out),
            Type::Long | Type::Logical("timestamp-millis" | "timestamp-micros", _) => {
                long(dice.number() as i64 >> dice.below(64), out);
            }
            Type::Logical(_, base) => base.write(dice, out),
            Type::Float => out.extend((dice.number() as u32).to_le_bytes()),
            Type::Double => out.extend(dice.number().to_le_bytes()),
            Type::Bytes => {
                let bytes: Vec<u8> = (0..dice.below(9)).map(|_| dice.number() as u8).collect();
                sized(&bytes, out);
            }
            Type::Text | Type::Characters(_) => sized(word(dice).as_bytes(), out),
            Type::Fixed(_, size) => out.extend((0..*size).map(|place| b'a' + (place % 26) as u8)),
            Type::Enum(_, symbols) => long(dice.below(symbols.len()) as i64, out),
            Type::Array(items) => blocks(dice, out, |dice, out| items.write(dice, out)),
            Type::Map(values) => blocks(dice, out, |dice, out| {
                sized(word(dice).as_bytes(), out);
                values.write(dice, out);
            }),
            Type::Union(branches) => {
                let branch = dice.below(branches.len());
                long(branch as i64, out);
                branches[branch].write(dice, out);
            }
            Type::Record(_, fields) => fields.iter().for_each(|(_, of)| of.write(dice, out)),
            Type::Linked(_) => {
                for _ in 0..dice.below(4) {
                    long(7, out);
                    long(1, out);
                }
                long(7, out);
                long(0, out);
            }
        }
    }
}

/// Mostly an id as it should be; sometimes an empty one, one with a control character, one that is too long.
fn word(dice: &mut Dice) -> String {
    match dice.below(150) {
        0 => String::new(),
        1 => "a\u{85}b".to_owned(),
        2 => "x".repeat(257),
        3 => "ß😐".repeat(dice.below(20) + 1),
        4 => "user".to_owned(),
        5 => "plain".to_owned(),
        _ => format!("w{}", dice.below(1_000_000)),
    }
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut bits = ((value << 1) ^ (value >> 63)) as u64;
    while bits >= 0x80 {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend(bytes);
}

/// Items in blocks, some of them with their size.
fn blocks(dice: &mut Dice, out: &mut Vec<u8>, mut write_item: impl FnMut(&mut Dice, &mut Vec<u8>)) {
    for _ in 0..dice.below(3) {
        let count = dice.below(3) as i64 + 1;
        let mut items = Vec::new();
        (0..count).for_each(|_| write_item(dice, &mut items));
        if dice.once_in(2) {
            long(-count, out);
            long(items.len() as i64, out);
        } else {
            long(count, out);
        }
        out.extend(items);
    }
    out.push(0);
}
