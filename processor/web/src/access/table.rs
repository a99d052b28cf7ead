//! Every route of the reports listener, and the right it needs. A route that is not here is refused.

use axum::http::Method;

use super::scope::Scope;

/// What a request must bring along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing.
    Nothing,
    /// Nothing, but it is a form that is sent before anybody is signed in: it has a cookie of its own.
    Form,
    /// No account: what comes is signed by another program, and the handler verifies that before anything else. Cookies and
    /// tokens count for nothing there.
    Signed,
    /// Somebody, whoever: an account, a token, or no accounts at all.
    Somebody,
    /// Somebody who is signed in, for what is their own.
    Account,
    /// This right in the workspace that the path names as `{workspace}`.
    In(Scope),
    /// The same; or a teammate of the workspace who asks for what is their own, by `{teammate}` in the path or `teammate` in
    /// the query, where the workspace lets teammates see that.
    Own(Scope),
    /// This right in some workspace: the handler asks the [`super::Viewer`] about each one it touches.
    Some(Scope),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub method: &'static str,
    /// As the router has it.
    pub pattern: &'static str,
    pub needed: Needed,
}

const fn row(method: &'static str, pattern: &'static str, needed: Needed) -> Row {
    Row {
        method,
        pattern,
        needed,
    }
}

/// The table. `GET` stands for `HEAD` too.
#[rustfmt::skip]
pub const ROUTES: &[Row] = &[
    row("GET", "/", Needed::Somebody),
    row("GET", "/access.css", Needed::Nothing),
    row("GET", "/login", Needed::Form),
    row("POST", "/login", Needed::Form),
    row("GET", "/invitation", Needed::Form),
    row("POST", "/invitation", Needed::Form),
    row("POST", "/logout", Needed::Account),
    row("GET", "/account", Needed::Account),
    row("POST", "/account/password", Needed::Account),
    row("POST", "/account/sessions", Needed::Account),
    // The API.
    row("GET", "/api/v1/openapi.json", Needed::Somebody),
    row("POST", "/api/v1/events", Needed::Some(Scope::EventsWrite)),
    row("GET", "/api/v1/sources/{source}", Needed::Signed),
    row("POST", "/api/v1/sources/{source}", Needed::Signed),
    row("GET", "/api/v1/workspaces/{workspace}/summary", Needed::Own(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/teammates", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/ratings", Needed::Own(Scope::ReportsRead)),
    row("PUT", "/api/v1/workspaces/{workspace}/ratings/{request}/follow-up", Needed::In(Scope::RatingsWrite)),
    row("DELETE", "/api/v1/workspaces/{workspace}/ratings/{request}/follow-up", Needed::In(Scope::RatingsWrite)),
    row("GET", "/api/v1/workspaces/{workspace}/heart", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/heart/stream", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/funnel", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/funnel/conversations", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/conversations/{conversation}", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/export/{file}", Needed::In(Scope::ReportsRead)),
    row("GET", "/api/v1/workspaces/{workspace}/settings", Needed::In(Scope::ReportsRead)),
    row("PUT", "/api/v1/workspaces/{workspace}/settings", Needed::In(Scope::SettingsWrite)),
    row("GET", "/api/v1/workspaces/{workspace}/contacts/{customer}", Needed::In(Scope::ContactsRead)),
    row("PUT", "/api/v1/workspaces/{workspace}/contacts/{customer}", Needed::In(Scope::ContactsWrite)),
    row("DELETE", "/api/v1/workspaces/{workspace}/contacts/{customer}", Needed::In(Scope::ContactsWrite)),
    // The managers' pages.
    row("GET", "/pages.css", Needed::Nothing),
    row("GET", "/pages.js", Needed::Nothing),
    row("GET", "/{workspace}", Needed::In(Scope::ReportsRead)),
    row("GET", "/{workspace}/summary", Needed::In(Scope::ReportsRead)),
    row("GET", "/{workspace}/teammates", Needed::In(Scope::ReportsRead)),
    row("GET", "/{workspace}/teammates/{teammate}", Needed::Own(Scope::ReportsRead)),
    row("GET", "/{workspace}/ratings", Needed::In(Scope::ReportsRead)),
    row("POST", "/{workspace}/ratings", Needed::In(Scope::RatingsWrite)),
    row("GET", "/{workspace}/heart", Needed::In(Scope::ReportsRead)),
    row("GET", "/{workspace}/why-not", Needed::In(Scope::ReportsRead)),
    row("GET", "/{workspace}/conversations/{conversation}", Needed::In(Scope::ReportsRead)),
    row("GET", "/{workspace}/settings", Needed::In(Scope::ReportsRead)),
    row("POST", "/{workspace}/settings", Needed::In(Scope::SettingsWrite)),
    row("GET", "/{workspace}/changes", Needed::In(Scope::ReportsRead)),
];

/// What stands in the table of a path's pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This is needed.
    Needed(Needed),
    /// The pattern is there with other methods, these.
    OtherMethods(&'static str),
    /// Nothing.
    Nothing,
}

/// Looks a request up.
#[must_use]
pub fn find(method: &Method, pattern: &str) -> Found {
    let wanted = match method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let rows = || ROUTES.iter().filter(|row| row.pattern == pattern);
    if let Some(row) = rows().find(|row| row.method == wanted) {
        return Found::Needed(row.needed);
    }
    let methods: Vec<_> = rows().map(|row| row.method).collect();
    match methods.as_slice() {
        [] => Found::Nothing,
        ["GET"] => Found::OtherMethods("GET, HEAD"),
        ["POST"] => Found::OtherMethods("POST"),
        ["PUT", "DELETE"] => Found::OtherMethods("PUT, DELETE"),
        ["GET", "POST"] => Found::OtherMethods("GET, HEAD, POST"),
        ["GET", "PUT"] => Found::OtherMethods("GET, HEAD, PUT"),
        ["GET", "PUT", "DELETE"] => Found::OtherMethods("GET, HEAD, PUT, DELETE"),
        _ => Found::OtherMethods("others"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        let find = |method: &str, pattern: &str| {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            super::find(&method, pattern)
        };
        assert_eq!(find("GET", "/new"), Found::Nothing);
        assert_eq!(find("GET", "/login/"), Found::Nothing);
        assert_eq!(
            find("DELETE", "/login"),
            Found::OtherMethods("GET, HEAD, POST")
        );
        assert_eq!(find("GET", "/logout"), Found::OtherMethods("POST"));
        assert_eq!(find("HEAD", "/"), Found::Needed(Needed::Somebody));
        assert_eq!(find("get", "/"), Found::OtherMethods("GET, HEAD"));
    }

    #[test]
    fn a_right_in_a_workspace_belongs_to_a_path_that_names_one() {
        for row in ROUTES {
            let names_one = row.pattern.contains("{workspace}");
            let needs_one = matches!(row.needed, Needed::In(_) | Needed::Own(_));
            assert_eq!(names_one, needs_one, "{} {}", row.method, row.pattern);
            let writes = row.method != "GET";
            let is_own = matches!(row.needed, Needed::Own(_));
            assert!(
                !(writes && is_own),
                "teammates change nothing: {}",
                row.pattern
            );
        }
    }
}
