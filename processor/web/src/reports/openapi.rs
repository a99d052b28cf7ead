//! The OpenAPI document, made from the handlers and the types that they answer with.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

use super::answer::ProblemDocument;
use super::api;

/// What stands at its head.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Afterword",
        description = "Facts in, figures out. Times are RFC 3339 in UTC with milliseconds, days are ISO dates in the workspace's \
                       time zone, shares and rates are 0 to 1. Lists give a cursor when they go on; a page may be short, even \
                       empty, and still go on. Errors are problem documents (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemDocument)),
    tags(
        (name = "facts", description = "What happened."),
        (name = "figures", description = "Counts and shares of a period."),
        (name = "lists", description = "Ratings, comments, closes, conversations."),
        (name = "contacts", description = "Where customers are reached by mail."),
        (name = "settings", description = "Versions of a workspace's settings."),
    )
)]
pub struct Document;

/// The document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    tag = "figures",
    responses((status = 200, description = "This document.", body = serde_json::Value, content_type = "application/json"))
)]
pub async fn document() -> impl IntoResponse {
    let document = api().into_openapi();
    let json = serde_json::to_vec(&document).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], json)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use afterword_trace::{TRACEPARENT, sampled};

    use super::*;

    const PAGE: &str = include_str!("../../../../docs/api.md");
    const SOURCES: [&str; 2] = [include_str!("mod.rs"), include_str!("exports.rs")];

    #[test]
    fn every_route_is_in_the_document_and_on_the_page() {
        let document = api().into_openapi();
        let mut paths: Vec<_> = document.paths.paths.keys().map(String::as_str).collect();
        paths.sort_unstable();
        for path in &paths {
            let told = path.trim_start_matches("/api/v1/workspaces/{workspace}/");
            assert!(PAGE.contains(told), "docs/api.md says nothing of {path}");
        }
        // Only `routes!` puts a route in both; the welcome is no part of the API.
        for source in SOURCES {
            let product = source.split("#[cfg(test)]").next().unwrap();
            let alone: Vec<_> = product.matches(".route(").collect();
            assert!(alone.len() <= 1, "use routes! and #[utoipa::path]");
        }
        let listed = SOURCES[0].matches("routes!(").count();
        assert_eq!(paths.len(), listed, "{paths:?}");
    }

    #[test]
    fn every_operation_says_how_it_fails() {
        let document = serde_json::to_value(api().into_openapi()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let is_plain = path.ends_with("openapi.json");
                assert!(is_plain || responses.contains_key("503"), "{method} {path}");
                assert!(operation["operationId"].is_string(), "{method} {path}");
            }
        }
    }

    #[test]
    fn the_trace_of_facts_is_a_header_that_may_be_absent() {
        let document = serde_json::to_value(api().into_openapi()).unwrap();
        let operation = &document["paths"]["/api/v1/events"]["post"];
        let parameters = operation["parameters"].as_array().unwrap();
        let header = parameters
            .iter()
            .find(|parameter| parameter["name"] == TRACEPARENT)
            .unwrap();
        assert_eq!(header["in"], "header");
        assert_eq!(header["required"], false);
        let example = header["example"].as_str().unwrap();
        assert!(sampled(example.as_bytes()).is_some(), "{example}");
        // What is malformed is ignored and not refused: so nothing more is asked of it than that it is text.
        assert_eq!(header["schema"]["pattern"], serde_json::Value::Null);
    }
}
