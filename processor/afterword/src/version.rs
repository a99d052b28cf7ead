//! Which build this is.

/// The version alone.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, or `unknown`.
pub const COMMIT: &str = env!("BUILT_FROM_COMMIT");
/// What `--version` prints after the name.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("BUILT_FROM_COMMIT"),
    ", ",
    env!("BUILT_WITH_PROFILE"),
    " build for ",
    env!("BUILT_FOR_TARGET"),
    ")"
);
/// What dead letters name.
pub const BUILD: &str = concat!(
    "afterword ",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("BUILT_FROM_COMMIT"),
    ")"
);
