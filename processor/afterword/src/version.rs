//! Which build this is.

/// The version alone.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, or `unknown`.
pub const COMMIT: &str = env!("AFTERWORD_BUILD_COMMIT");
/// What `--version` prints after the name.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("AFTERWORD_BUILD_COMMIT"),
    ", ",
    env!("AFTERWORD_BUILD_PROFILE"),
    " build for ",
    env!("AFTERWORD_BUILD_TARGET"),
    ")"
);
/// What dead letters name.
pub const BUILD: &str = concat!(
    "afterword ",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("AFTERWORD_BUILD_COMMIT"),
    ")"
);
