//! The rows of tables that are there once for each workspace, endpoint or account.

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
    other(
        "teammates_see",
        "nothing",
        Kind::Choice(&["nothing", "own"]),
        "what teammates with an account see: nothing, or each their own scorecard and ratings",
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

/// What may stand in a table `[sources.NAME]`: a help desk whose webhooks are received.
pub const OF_SOURCES: &[Setting] = &[
    other(
        "kind",
        "",
        Kind::Choice(&["intercom", "chatwoot", "zendesk"]),
        "which help desk it is",
    ),
    optional(
        "workspace",
        "the workspace that its conversations belong to",
    ),
    secret("secret", "what the help desk signs its webhooks with"),
    secret(
        "former_secret",
        "counts as well, while the help desk goes over to a new one",
    ),
];

/// What may stand in a table `[accounts.NAME]`: somebody who may sign in.
pub const OF_ACCOUNTS: &[Setting] = &[
    secret(
        "password_hash",
        "the password's hash, as `afterword accounts hash` prints it",
    ),
    other(
        "role",
        "manager",
        Kind::Choice(&["manager", "teammate"]),
        "what the account is in its workspaces",
    ),
    list("workspaces", "its workspaces; empty: every one"),
    optional("teammate", "with the role teammate: the teammate's id"),
];
