//! What every page of a workspace has around it: its name, the ways to the other pages, the heart, who looks.

use afterword_readmodel::figures::{Filter, Period, SettingsVersion};
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Pages;
use super::address::{Address, segment};
use super::chosen::{Chosen, Query, presets};
use super::fault::Fault;
use super::look::WorkspaceLook;
use super::visitor::{Visitor, visitor};
use super::words;
use crate::now_ms;

/// Everything around a page, and what its queries need.
pub struct Desk {
    pub workspace_id: String,
    pub look: WorkspaceLook,
    /// `/{workspace}`.
    pub root: String,
    pub visitor: Visitor,
    pub settings: Option<SettingsVersion>,
    pub zone: TimeZone,
    pub zone_name: String,
    pub today: Date,
    pub now_ms: i64,
    pub chosen: Chosen,
    pub query: Query,
    /// Happy answers today.
    pub hearts: i64,
    /// What was projected when this was read.
    pub state: String,
}

/// A way to another page.
pub struct Way {
    pub href: String,
    pub label: &'static str,
    pub is_here: bool,
}

impl Desk {
    /// Reads the address and whatever stands around every page.
    ///
    /// # Errors
    /// When the workspace is not known or not theirs, the address is none, or the database cannot be read.
    pub async fn open(pages: &Pages, workspace_id: &str, parts: &Parts) -> Result<Desk, Fault> {
        let visitor = visitor(parts, workspace_id)?;
        let database = &pages.database;
        let state = database.state(workspace_id).await?;
        let now_ms = now_ms();
        let settings = database.settings_at(workspace_id, now_ms).await?;
        let is_known = settings.is_some()
            || pages.looks.contains_key(workspace_id)
            || database.knows_workspace(workspace_id).await?;
        if !is_known {
            return Err(Fault::NotFound(format!(
                "No workspace “{workspace_id}” is known here: no facts of it have arrived yet."
            )));
        }
        let zone_name = settings
            .as_ref()
            .map_or("UTC", |settings| settings.time_zone.as_str())
            .to_owned();
        let zone = TimeZone::get(&zone_name).unwrap_or(TimeZone::UTC);
        let today = Timestamp::from_millisecond(now_ms)
            .unwrap_or_default()
            .to_zoned(zone.clone())
            .date();
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let chosen = Chosen::read(&query, today)?;
        let filter = Filter {
            workspace_id: workspace_id.to_owned(),
            period: Period {
                from: today,
                to: today,
            },
            teammate_id: None,
            channel: None,
        };
        let [.., great, amazing] = database.reactions(&filter).await?;
        let look = pages.looks.get(workspace_id).cloned();
        Ok(Desk {
            root: format!("/{}", segment(workspace_id)),
            look: look.unwrap_or_else(|| WorkspaceLook::of(workspace_id)),
            workspace_id: workspace_id.to_owned(),
            visitor,
            settings,
            zone,
            zone_name,
            today,
            now_ms,
            chosen,
            query,
            hearts: great + amazing,
            state,
        })
    }

    /// The address of a page of this workspace.
    pub fn path(&self, page: &str) -> String {
        format!("{}/{page}", self.root)
    }

    /// The chosen view at another page; what that page has no use for is left out.
    pub fn view(&self, page: &str) -> Address {
        let here = self.chosen.address(&self.path(page));
        match page {
            "summary" => here.only(&["from", "to", "teammate", "channel", "granularity"]),
            "teammates" => here.only(&["from", "to", "channel", "sort"]),
            "ratings" => here.only(&[
                "from",
                "to",
                "teammate",
                "channel",
                "reactions",
                "commented",
                "followed_up",
            ]),
            "why-not" => here.only(&["from", "to", "teammate", "closes"]),
            _ => here.only(&["from", "to", "channel", "granularity"]),
        }
    }

    /// The filters, of this period and nothing else.
    pub fn period_only(&self, page: &str) -> Address {
        self.view(page).only(&["from", "to"])
    }

    /// The page's address and the parts of the bar.
    pub fn ways(&self, here: &str) -> Vec<Way> {
        if let Some(own) = &self.visitor.only {
            return vec![Way {
                href: self.teammate(own).to_string(),
                label: "My ratings",
                is_here: true,
            }];
        }
        let ways = [
            ("summary", "Summary"),
            ("teammates", "Teammates"),
            ("ratings", "Ratings"),
            ("why-not", "Why not"),
            ("settings", "Settings"),
        ];
        let way = |(page, label): (&str, &'static str)| Way {
            href: match page {
                "settings" => self.path(page),
                page => self.period_only(page).to_string(),
            },
            label,
            is_here: page == here,
        };
        ways.into_iter().map(way).collect()
    }

    /// The period in words.
    pub fn period_words(&self) -> String {
        words::days(self.chosen.period.from, self.chosen.period.to)
    }

    /// A time of this workspace.
    pub fn moment(&self, at_ms: i64) -> String {
        words::moment(at_ms, &self.zone)
    }

    /// The address of a conversation's story.
    pub fn story(&self, conversation_id: &str) -> String {
        format!("{}/conversations/{}", self.root, segment(conversation_id))
    }

    /// The address of a teammate's page, with the period.
    pub fn teammate(&self, teammate_id: &str) -> Address {
        let path = format!("{}/teammates/{}", self.root, segment(teammate_id));
        self.period_only("teammates").at(path)
    }

    /// The conversation in the team's help desk, if it is known where that is.
    pub fn help_desk(&self, conversation_id: &str) -> Option<String> {
        let template = self.look.conversation_url.as_ref()?;
        Some(template.replace("{conversation}", &segment(conversation_id)))
    }

    /// Presets of the period as links of this view.
    pub fn presets(&self, view: &Address) -> Vec<Preset> {
        let preset = |(label, period): (&'static str, Period)| Preset {
            label,
            href: view
                .clone()
                .with("from", period.from)
                .with("to", period.to)
                .to_string(),
            is_chosen: period == self.chosen.period,
        };
        presets(self.today).into_iter().map(preset).collect()
    }
}

/// A period by its name.
pub struct Preset {
    pub label: &'static str,
    pub href: String,
    pub is_chosen: bool,
}
