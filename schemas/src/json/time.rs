//! Times as text.

use crate::records::Timestamp;

const MS_PER_SECOND: i64 = 1_000;
const MS_PER_MINUTE: i64 = 60 * MS_PER_SECOND;
const MS_PER_DAY: i64 = 24 * 60 * MS_PER_MINUTE;

/// `0000-01-01T00:00:00.000Z` and `9999-12-31T23:59:59.999Z`: what RFC 3339 can say.
const RFC_3339: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// Appends a time as a JSON value: RFC 3339 with milliseconds and Z, in quotes; outside the years 0000 to 9999, which RFC
/// 3339 cannot say, integer milliseconds. Either is read back as the same time.
pub fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    let Timestamp(ms) = time;
    if !RFC_3339.contains(&ms) {
        out.extend_from_slice(ms.to_string().as_bytes());
        return;
    }
    let (year, month, day) = civil_from_days(ms.div_euclid(MS_PER_DAY));
    let ms_of_day = ms.rem_euclid(MS_PER_DAY);
    let minutes = ms_of_day / MS_PER_MINUTE;
    let parts = [
        (b'"', year, 4),
        (b'-', month, 2),
        (b'-', day, 2),
        (b'T', minutes / 60, 2),
        (b':', minutes % 60, 2),
        (b':', ms_of_day % MS_PER_MINUTE / MS_PER_SECOND, 2),
        (b'.', ms_of_day % MS_PER_SECOND, 3),
    ];
    for (before, number, digits) in parts {
        out.push(before);
        for place in (0..digits).rev() {
            out.push(b'0' + (number / 10_i64.pow(place) % 10) as u8);
        }
    }
    out.extend_from_slice(b"Z\"");
}

/// A time in RFC 3339, with any offset. Digits beyond milliseconds are cut, not rounded: what remains is the millisecond in
/// which it was, before 1970 too. A leap second (`:60`) is the second after it, as in POSIX time.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text
        .as_bytes()
        .split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
    let number = |from: usize, digits: usize| decimal(&date_time[from..from + digits]);
    let [year, month, day] = [number(0, 4)?, number(5, 2)?, number(8, 2)?];
    let [hour, minute, second] = [number(11, 2)?, number(14, 2)?, number(17, 2)?];
    let separators = [
        date_time[4],
        date_time[7],
        date_time[10].to_ascii_uppercase(),
        date_time[13],
        date_time[16],
    ];
    let in_range = (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if separators != *b"--T::" || !in_range {
        return None;
    }
    let (milliseconds, rest) = fraction(rest)?;
    let minutes =
        (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset_minutes(rest)?;
    Some(Timestamp(
        minutes * MS_PER_MINUTE + second * MS_PER_SECOND + milliseconds,
    ))
}

/// Milliseconds of the digits after a decimal point, if there is one, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(after) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let digits = after
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let mut padded = *b"000";
    padded
        .iter_mut()
        .zip(&after[..digits])
        .for_each(|(to, from)| *to = *from);
    if digits == 0 {
        None
    } else {
        Some((decimal(&padded)?, &after[digits..]))
    }
}

/// `Z`, or `+HH:MM`, or `-HH:MM`.
fn offset_minutes(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let [hours, minutes] = [decimal(&[*h1, *h2])?, decimal(&[*m1, *m2])?];
            let magnitude = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
            Some(if *sign == b'-' { -magnitude } else { magnitude })
        }
        _ => None,
    }
}

fn decimal(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, proleptic Gregorian: <https://howardhinnant.github.io/date_algorithms.html>. Years begin in
/// March, so that a leap day ends one.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ms: i64) -> String {
        let mut out = Vec::new();
        write_time(Timestamp(ms), &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn times_are_written_as_jiff_writes_them() {
        // Steps of a bit over 40 days, and then some, over all that both can say.
        for ms in
            RFC_3339
                .step_by(3_504_123_457)
                .chain([-1, 0, 1, 951_782_400_000, 253_402_300_799_999])
        {
            let Ok(theirs) = jiff::Timestamp::from_millisecond(ms) else {
                continue;
            };
            assert_eq!(written(ms), format!("\"{theirs:.3}\""));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for ms in RFC_3339.step_by(1_234_567_891).chain([*RFC_3339.end()]) {
            assert_eq!(
                parse_time(written(ms).trim_matches('"')),
                Some(Timestamp(ms))
            );
        }
        assert_eq!(written(RFC_3339.start() - 1), "-62167219200001");
        assert_eq!(written(RFC_3339.end() + 1), "253402300800000");
        assert_eq!(written(*RFC_3339.start()), r#""0000-01-01T00:00:00.000Z""#);
    }

    #[test]
    fn every_form_of_a_time() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01T00:00:00.5Z", 500),
            ("1970-01-01T00:00:00.123999999999999999999Z", 123),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("1969-12-31T23:59:59.0001Z", -1_000),
            ("1970-01-01T05:30:00+05:30", 0),
            ("1969-12-31T16:00:00.001-08:00", 1),
            ("1970-01-01T00:00:00-00:00", 0),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            (
                "0000-01-01T00:00:00+23:59",
                -62_167_219_200_000 - 1_439 * 60_000,
            ),
        ];
        for (text, ms) in cases {
            assert_eq!(parse_time(text), Some(Timestamp(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        let cases = [
            "",
            "2026",
            "2026-03-01",
            "2026-03-01T09:00Z",
            "2026-03-01T09:00:00",
            "2026-03-01 09:00:00Z",
            "2026-3-01T09:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-03-00T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T09:60:00Z",
            "2026-03-01T09:00:61Z",
            "2026-03-01T09:00:00.Z",
            "2026-03-01T09:00:00,5Z",
            "2026-03-01T09:00:00+0100",
            "2026-03-01T09:00:00+24:00",
            "2026-03-01T09:00:00+01:60",
            "2026-03-01T09:00:00ZZ",
            "+026-03-01T09:00:00Z",
            "2026-03-01T09:00:00é",
            "٢٠٢٦-03-01T09:00:00Z",
            " 2026-03-01T09:00:00Z",
        ];
        for text in cases {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
