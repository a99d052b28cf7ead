//! The rights there are.

/// One right, in one workspace or every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Facts in. For tokens alone: facts come from programs, and whoever could write them could write ratings.
    EventsWrite,
    /// Reports, conversations and settings, to read.
    ReportsRead,
    /// Marks a rating as followed up.
    RatingsWrite,
    /// New versions of the settings.
    SettingsWrite,
    /// The directory of contacts, to read.
    ContactsRead,
    /// And to change.
    ContactsWrite,
}

/// All of them.
pub const SCOPES: [Scope; 6] = [
    Scope::EventsWrite,
    Scope::ReportsRead,
    Scope::RatingsWrite,
    Scope::SettingsWrite,
    Scope::ContactsRead,
    Scope::ContactsWrite,
];

impl Scope {
    /// As tokens have it.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Scope::EventsWrite => "events:write",
            Scope::ReportsRead => "reports:read",
            Scope::RatingsWrite => "ratings:write",
            Scope::SettingsWrite => "settings:write",
            Scope::ContactsRead => "contacts:read",
            Scope::ContactsWrite => "contacts:write",
        }
    }

    /// The scope of this symbol.
    #[must_use]
    pub fn of(symbol: &str) -> Option<Scope> {
        SCOPES.into_iter().find(|scope| scope.symbol() == symbol)
    }
}
