//! What the configuration says of traces.

use super::contradictions::{after_scheme, origin};
use super::{Effective, Origin};

/// Headers at most.
const MOST_HEADERS: usize = 16;
/// Where traces go at an endpoint, by the protocol.
const TRACES: &str = "/v1/traces";

/// Where spans go. Has secrets in it, so it cannot be printed.
#[derive(Clone)]
pub struct TelemetryConfig {
    /// `http://…` or `https://…`.
    endpoint: String,
    /// Names and values; values may be secrets.
    pub headers: Vec<(String, String)>,
    /// From 0 to 1, of facts whose sender has begun no trace.
    pub sample_ratio: f64,
    pub service_name: String,
}

impl TelemetryConfig {
    /// Where spans are posted to.
    #[must_use]
    pub fn traces_url(&self) -> String {
        let endpoint = self.endpoint.trim_end_matches('/');
        match endpoint.ends_with(TRACES) {
            true => endpoint.to_owned(),
            false => format!("{endpoint}{TRACES}"),
        }
    }
}

impl Effective {
    pub(super) fn telemetry(&self) -> Option<TelemetryConfig> {
        let headers = self.list("telemetry.otlp_headers");
        Some(TelemetryConfig {
            endpoint: self.optional("telemetry.otlp_endpoint")?,
            headers: headers.iter().filter_map(|text| header(text)).collect(),
            sample_ratio: self.text("telemetry.sample_ratio").parse().unwrap_or(0.0),
            service_name: self.text("telemetry.service_name"),
        })
    }
}

/// `NAME=VALUE`, as HTTP allows them.
fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let fits = !name.is_empty()
        && name.bytes().all(of_name)
        && !value.is_empty()
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    fits.then(|| (name.to_ascii_lowercase(), value.to_owned()))
}

/// What does not fit together. No header is part of it.
pub(super) fn contradictions(effective: &Effective) -> Vec<String> {
    let faults = [endpoint(effective), headers(effective)];
    faults.into_iter().flatten().collect()
}

fn endpoint(effective: &Effective) -> Option<String> {
    let key = "telemetry.otlp_endpoint";
    let url = effective.optional(key)?;
    let place = origin(effective, key);
    let Some(rest) = after_scheme(&url, &["http://", "https://"]) else {
        return Some(format!(
            "{place}: `{key}`: expected http://… or https://…, found another text"
        ));
    };
    if rest.contains('@') {
        return Some(format!(
            "{place}: `{key}`: expected no name and password within; set `telemetry.otlp_headers`"
        ));
    }
    let fits = !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ']);
    (!fits).then(|| {
        format!("{place}: `{key}`: expected a host, perhaps with a port and a path, found `{url}`")
    })
}

fn headers(effective: &Effective) -> Option<String> {
    let key = "telemetry.otlp_headers";
    let texts = effective.list(key);
    let place: Origin = origin(effective, key);
    if texts.len() > MOST_HEADERS {
        let found = texts.len();
        return Some(format!(
            "{place}: `{key}`: expected at most {MOST_HEADERS} headers, found {found}"
        ));
    }
    if !texts.is_empty() && effective.optional("telemetry.otlp_endpoint").is_none() {
        return Some(format!(
            "{place}: `{key}` is set: expected `telemetry.otlp_endpoint` too, found none"
        ));
    }
    let wrong = texts.iter().position(|text| header(text).is_none())?;
    Some(format!(
        "{place}: `{key}`: expected NAME=VALUE of characters that HTTP allows, found another text as header {} of {}",
        wrong + 1,
        texts.len()
    ))
}

#[cfg(test)]
mod tests {
    use crate::config::resolve_file;

    fn fault(lines: &str) -> String {
        match resolve_file(&format!("[telemetry]\n{lines}")) {
            Ok(_) => String::new(),
            Err(faults) => faults.join("\n"),
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        let local = "otlp_endpoint = 'http://127.0.0.1:4318'\n";
        for (lines, expected) in [
            ("otlp_endpoint = '127.0.0.1:4318'", "expected http://"),
            ("otlp_endpoint = 'http://'", "expected a host"),
            ("otlp_endpoint = 'http://h/?x'", "expected a host"),
            (
                "otlp_endpoint = 'http://a:hush@h'",
                "telemetry.otlp_headers",
            ),
            ("otlp_headers = ['a=hush']", "`telemetry.otlp_endpoint` too"),
            ("sample_ratio = 1.5", "a number from 0 to 1, found `1.5`"),
            ("sample_ratio = -0.1", "found `-0.1`"),
            ("sample_ratio = 'nan'", "found `nan`"),
            ("sample_ratio = true", "found a boolean"),
            ("service_name = ''", "not empty"),
        ] {
            let found = fault(lines);
            assert!(found.contains(expected), "{lines}: {found:?}");
            assert!(!found.contains("hush"), "{found}");
        }
        for header in ["hush", "=hush", "a b=hush", "a=", "a=hush\\u0007"] {
            let found = fault(&format!("{local}otlp_headers = ['b=c', \"{header}\"]"));
            assert!(found.contains("as header 2 of 2"), "{header}: {found:?}");
            assert!(!found.contains("hush"), "{found}");
        }
    }

    #[test]
    fn off_unless_an_endpoint_is_named() {
        let telemetry = |lines: &str| {
            let resolved = resolve_file(&format!("[telemetry]\n{lines}")).expect("no fault");
            resolved.config().telemetry
        };
        assert!(telemetry("sample_ratio = 1").is_none());
        let all = telemetry("otlp_endpoint = 'http://h:4318/'\notlp_headers = ['X-Key=a=b']");
        let all = all.expect("on");
        assert_eq!(all.traces_url(), "http://h:4318/v1/traces");
        assert_eq!(all.headers, [("x-key".to_owned(), "a=b".to_owned())]);
        assert_eq!(
            (all.sample_ratio, all.service_name.as_str()),
            (1.0, "afterword")
        );
        let some = telemetry("otlp_endpoint = 'https://h/otlp/v1/traces'\nsample_ratio = 0.25");
        let some = some.expect("on");
        assert_eq!(some.traces_url(), "https://h/otlp/v1/traces");
        assert_eq!(some.sample_ratio, 0.25);
    }
}
