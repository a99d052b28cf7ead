//! A schema's canonical form and fingerprint, by the book.
//!
//! apache-avro has both too, but writes a logical type over a primitive as `{"type":"long"}` where the specification
//! (rule PRIMITIVE) and Java say `"long"`: its fingerprints of our schemas are nobody else's.

use apache_avro::Schema;
use apache_avro::schema::{
    DecimalSchema, EnumSchema, FixedSchema, InnerDecimalSchema, RecordSchema, UuidSchema,
};

/// The polynomial of CRC-64-AVRO, which is also the fingerprint of nothing.
const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

/// CRC-64-AVRO of the schema's parsing canonical form.
pub(crate) fn fingerprint(schema: &Schema) -> u64 {
    crc_64_avro(canonical_form(schema).as_bytes())
}

fn crc_64_avro(bytes: &[u8]) -> u64 {
    let eight_bits = |crc: u64| {
        (0..8).fold(crc, |crc, _| {
            (crc >> 1) ^ (EMPTY & (crc & 1).wrapping_neg())
        })
    };
    bytes.iter().fold(EMPTY, |crc, &byte| {
        (crc >> 8) ^ eight_bits((crc ^ u64::from(byte)) & 0xff)
    })
}

/// The [parsing canonical form](https://avro.apache.org/docs/1.12.0/specification/#parsing-canonical-form-for-schemas).
pub(crate) fn canonical_form(schema: &Schema) -> String {
    let mut out = String::new();
    write(schema, &mut out);
    out
}

fn write(schema: &Schema, out: &mut String) {
    match schema {
        Schema::Null => quoted("null", out),
        Schema::Boolean => quoted("boolean", out),
        Schema::Int | Schema::Date | Schema::TimeMillis => quoted("int", out),
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => quoted("long", out),
        Schema::Float => quoted("float", out),
        Schema::Double => quoted("double", out),
        Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => {
            quoted("bytes", out)
        }
        Schema::Decimal(DecimalSchema {
            inner: InnerDecimalSchema::Bytes,
            ..
        }) => quoted("bytes", out),
        Schema::String | Schema::Uuid(UuidSchema::String) => quoted("string", out),
        Schema::Ref { name } => quoted(name.as_ref(), out),
        Schema::Array(array) => wrapped(r#"{"type":"array","items":"#, &array.items, out),
        Schema::Map(map) => wrapped(r#"{"type":"map","values":"#, &map.types, out),
        Schema::Union(union) => list(union.variants(), out, write),
        Schema::Record(record) => write_record(record, out),
        Schema::Enum(EnumSchema { name, symbols, .. }) => {
            named("enum", name.as_ref(), r#""symbols":"#, out);
            list(symbols, out, |symbol, out| quoted(symbol, out));
            out.push('}');
        }
        Schema::Fixed(fixed)
        | Schema::Duration(fixed)
        | Schema::Uuid(UuidSchema::Fixed(fixed))
        | Schema::Decimal(DecimalSchema {
            inner: InnerDecimalSchema::Fixed(fixed),
            ..
        }) => write_fixed(fixed, out),
    }
}

fn write_record(record: &RecordSchema, out: &mut String) {
    named("record", record.name.as_ref(), r#""fields":"#, out);
    list(&record.fields, out, |field, out| {
        out.push_str(r#"{"name":"#);
        quoted(&field.name, out);
        out.push_str(r#","type":"#);
        write(&field.schema, out);
        out.push('}');
    });
    out.push('}');
}

fn write_fixed(fixed: &FixedSchema, out: &mut String) {
    named("fixed", fixed.name.as_ref(), r#""size":"#, out);
    out.push_str(&fixed.size.to_string());
    out.push('}');
}

fn named(kind: &str, name: &str, rest: &str, out: &mut String) {
    out.push_str(r#"{"name":"#);
    quoted(name, out);
    out.push_str(r#","type":"#);
    quoted(kind, out);
    out.push(',');
    out.push_str(rest);
}

fn wrapped(start: &str, inner: &Schema, out: &mut String) {
    out.push_str(start);
    write(inner, out);
    out.push('}');
}

fn list<T>(items: &[T], out: &mut String, write_item: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_item(item, out);
    }
    out.push(']');
}

/// Names and symbols are ASCII letters, digits, `_` and `.`: nothing to escape.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::rabin::Rabin;

    #[test]
    fn equals_apache_avro_where_no_logical_type_is_involved() {
        let text = r#"{"type":"record","name":"R","namespace":"a.b","doc":"d","aliases":["Q"],"fields":[
            {"name":"x","type":["null","int"],"default":null},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}},
            {"name":"f","type":{"type":"fixed","name":"c.F","size":5}},
            {"name":"m","type":{"type":"map","values":{"type":"array","items":"E"}}},
            {"name":"r","type":["null","R"]},
            {"name":"rest","type":["boolean","float","double","bytes","string"]}]}"#;
        let schema = Schema::parse_str(text).expect("valid");
        assert_eq!(canonical_form(&schema), schema.canonical_form());
        assert_eq!(
            fingerprint(&schema).to_le_bytes(),
            *schema.fingerprint::<Rabin>().bytes
        );
    }

    /// Examples of the Avro project's `share/test/data/schema-tests.txt`.
    #[test]
    fn known_fingerprints() {
        let cases = [
            (r#""null""#, 7195948357588979594_i64),
            (r#"{"type":"boolean"}"#, -6970731678124411036),
            (
                r#"{"type":"fixed","name":"foo","size":15}"#,
                1756455273707447556,
            ),
        ];
        for (text, expected) in cases {
            let schema = Schema::parse_str(text).expect("valid");
            assert_eq!(fingerprint(&schema).cast_signed(), expected, "{text}");
        }
    }

    #[test]
    fn logical_types_are_their_primitives() {
        let long = Schema::parse_str(r#"{"type":"long","logicalType":"timestamp-millis"}"#)
            .expect("valid");
        assert_eq!(canonical_form(&long), r#""long""#);
    }
}
