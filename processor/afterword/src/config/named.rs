//! The rows of tables that are there once for each workspace or endpoint.

use super::setting::{Kind, Setting, list, optional, other, secret};

/// What may stand in a table `[workspaces.ID]`: how one workspace looks to its customers and managers.
pub const OF_WORKSPACES: &[Setting] = &[
    optional("name", "the workspace's name; empty: its id"),
    other(
        "colour",
        "#0f766e",
        Kind::Colour,
        "what its pages and mails are tinted with",
    ),
    other(
        "locale",
        "en",
        Kind::Language,
        "language where the customer's is not known",
    ),
    optional(
        "conversation_url",
        "link into the team's help desk, with {conversation} where the id belongs",
    ),
];

/// What may stand in a table `[webhooks.NAME]`: who is told of requests and ratings.
pub const OF_WEBHOOKS: &[Setting] = &[
    secret(
        "url",
        "where webhooks go, http://… or https://…; it may have a secret in it and is not printed",
    ),
    secret(
        "secret",
        "what signs them: whsec_ and 24 to 64 random bytes in base64",
    ),
    secret(
        "former_secret",
        "signs as well, while the receiver goes over to a new one",
    ),
    list("workspaces", "of these workspaces; empty: of all"),
    list(
        "events",
        "of rating.requested, rating.submitted; empty: of both",
    ),
];
