//! `/api/v1/workspaces/{workspace}/contacts/{customer}`: where a customer is reached, and whether by mail at all.

use afterword_readmodel::{Contact, ReadModelError, ReportDatabase};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::reports::{ProblemDocument, ReadProblems, Reports};

/// Largest body, in bytes.
const BODY_BYTES: usize = 16 * 1024;
/// Longest id, in bytes.
const ID_BYTES: usize = 256;

type Ids = Path<(String, String)>;

/// What is known of a customer.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/contacts/{customer}",
    operation_id = "contact",
    tag = "contacts",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("customer" = String, Path, description = "The customer's id."),
    ),
    responses(
        (status = 200, body = Contact),
        (status = 404, description = "Nothing is known of this customer.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn get(State(reports): State<Reports>, ids: Ids) -> Result<Json<Contact>, Problem> {
    let (database, workspace, customer) = checked(&reports, ids)?;
    let contact = database.contact(&workspace, &customer).await;
    let contact = contact.map_err(|error| unavailable(&error))?;
    contact.map(Json).ok_or_else(unknown)
}

/// Takes the place of what was known.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/contacts/{customer}",
    operation_id = "put_contact",
    tag = "contacts",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("customer" = String, Path, description = "The customer's id."),
    ),
    request_body(content = Contact, content_type = "application/json"),
    responses(
        (status = 200, body = Contact),
        (status = 408, description = "The body did not arrive in time.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "A body without measure.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Not a contact; the detail says which member is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn put(
    State(reports): State<Reports>,
    ids: Ids,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Contact>, Problem> {
    let (database, workspace, customer) = checked(&reports, ids)?;
    let contact = read(&reports, &headers, body).await?;
    let given = [(workspace, customer, contact.clone())];
    let put = database.put_contacts(&given, crate::now_ms()).await;
    put.map_err(|error| unavailable(&error))?;
    Ok(Json(contact))
}

/// Forgets it; once more does no harm.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/contacts/{customer}",
    operation_id = "delete_contact",
    tag = "contacts",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("customer" = String, Path, description = "The customer's id."),
    ),
    responses(
        (status = 204, description = "Nothing is known of this customer any more."),
        ReadProblems,
    )
)]
pub async fn delete(State(reports): State<Reports>, ids: Ids) -> Result<Response, Problem> {
    let (database, workspace, customer) = checked(&reports, ids)?;
    let deleted = database.delete_contact(&workspace, &customer).await;
    deleted.map_err(|error| unavailable(&error))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn checked(
    reports: &Reports,
    Path((workspace, customer)): Ids,
) -> Result<(ReportDatabase, String, String), Problem> {
    let is_id = |id: &str| (1..=ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control);
    if !is_id(&workspace) || !is_id(&customer) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("expected ids of 1 to {ID_BYTES} bytes without control characters"),
        ));
    }
    let database = reports.database.clone();
    let database =
        database.ok_or_else(|| Problem::unavailable("the report database is not open here", 5))?;
    Ok((database, workspace, customer))
}

async fn read(reports: &Reports, headers: &HeaderMap, body: Body) -> Result<Contact, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or("none")
        .trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("expected the content type application/json, found {kind}"),
        ));
    }
    let read = axum::body::to_bytes(body, BODY_BYTES);
    let bytes = tokio::time::timeout(reports.body_timeout, read).await;
    let bytes = bytes.map_err(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time; nothing was kept",
        )
    })?;
    let bytes = bytes.map_err(|_| {
        let expected = format!("expected a body of at most {BODY_BYTES} bytes, and all of it");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, expected)
    })?;
    let refused = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    // By way of an object, since a list of values would do for a struct.
    let object: Result<Map<String, Value>, _> = serde_json::from_slice(&bytes);
    let contact = object.and_then(|object| serde_json::from_value(Value::Object(object)));
    let contact: Contact = contact.map_err(|error| {
        refused(format!(
            "expected an object of email, name, locale (texts or null) and wants_mail (true or false): {error}"
        ))
    })?;
    contact
        .checked()
        .map_err(|(member, why)| refused(format!("{member}: {why}")))
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "nothing is known of this customer; PUT it here",
    )
}

fn unavailable(error: &ReadModelError) -> Problem {
    tracing::warn!(%error, "the directory of contacts cannot be used");
    Problem::unavailable("the report database cannot be used now; try again", 5)
}
