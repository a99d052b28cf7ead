//! The two cookies: that of a session, and that of a form that is sent before there is one.

use axum::http::{HeaderMap, HeaderValue, header};

/// Whether cookies go over TLS alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tls,
    /// Plain HTTP on this machine's loopback address.
    Loopback,
}

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    Session,
    Form,
}

/// Of 32 random bytes in base64.
const LENGTH: usize = 43;

impl Cookie {
    /// `__Host-` makes browsers refuse a cookie that another host of the domain, or plain HTTP, tries to set.
    fn name(self, transport: Transport) -> &'static str {
        match (self, transport) {
            (Cookie::Session, Transport::Tls) => "__Host-afterword",
            (Cookie::Session, Transport::Loopback) => "afterword",
            (Cookie::Form, Transport::Tls) => "__Host-afterword-form",
            (Cookie::Form, Transport::Loopback) => "afterword-form",
        }
    }

    /// What a request carries, when it looks like one of ours.
    #[must_use]
    pub fn read(self, transport: Transport, headers: &HeaderMap) -> Option<&str> {
        let name = self.name(transport);
        let texts = headers.get_all(header::COOKIE).iter();
        let pairs = texts.flat_map(|text| text.to_str().unwrap_or_default().split(';'));
        let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
        let is_ours = |value: &&str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            value.len() == LENGTH && value.bytes().all(is_letter)
        };
        values.next().filter(is_ours)
    }

    /// Sets it, to last for so many seconds.
    #[must_use]
    pub fn set(self, transport: Transport, value: &str, seconds: u64) -> HeaderValue {
        let name = self.name(transport);
        let secure = match transport {
            Transport::Tls => "; Secure",
            Transport::Loopback => "",
        };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }

    /// Takes it away.
    #[must_use]
    pub fn clear(self, transport: Transport) -> HeaderValue {
        self.set(transport, "", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_ours_is_read() {
        let value = "a".repeat(LENGTH);
        let check = |text: String, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, text.parse().expect("a value"));
            let found = Cookie::Session.read(Transport::Loopback, &headers);
            assert_eq!(found.is_some(), expected, "{text}");
        };
        check(format!("afterword={value}"), true);
        check(format!("a=b; afterword={value}; c=d"), true);
        check(format!("xafterword={value}"), false);
        check(format!("afterword-form={value}"), false);
        check(format!("__Host-afterword={value}"), false);
        check(format!("afterword={value}a"), false);
        check("afterword=".to_owned(), false);
        check(format!("afterword=x; afterword={value}"), false);
    }

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        let text = Cookie::Session.set(Transport::Tls, "v", 60);
        let expected = "__Host-afterword=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(text, expected);
        let text = Cookie::Form.clear(Transport::Loopback);
        let expected = "afterword-form=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
        assert_eq!(text, expected);
    }
}
