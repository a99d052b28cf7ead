//! How a command ends when it does not end well: one kind an exit code.

use std::fmt;

/// Why a command failed, sorted by its exit code. The message says what was expected, what was found and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Exit code 1: it was tried and failed, or something was refused.
    Failed(String),
    /// Exit code 2: the command line asks for what does not exist.
    Usage(String),
    /// Exit code 78: the configuration is wrong; every fault of it.
    Configuration(Vec<String>),
}

impl Failure {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Configuration(_) => 78,
        }
    }

    /// A failure of exit code 1 that says what was being done and what happened.
    pub fn while_doing(what: impl fmt::Display, error: impl fmt::Display) -> Failure {
        Failure::Failed(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Failed(message) | Failure::Usage(message) => f.write_str(message),
            Failure::Configuration(faults) => {
                f.write_str("the configuration is wrong")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl From<afterword_schemas::Unavailable> for Failure {
    fn from(error: afterword_schemas::Unavailable) -> Failure {
        Failure::Failed(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}
