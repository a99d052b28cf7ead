//! The bar of filters above a page: a form of its address.

use afterword_readmodel::figures::Step;
use afterword_schemas::records::{Channel, Reaction};

use super::address::Address;
use super::chosen::step_symbol;
use super::desk::{Desk, Preset};
use super::words;

/// One entry of a list to choose from.
pub struct Choice {
    pub value: String,
    pub word: String,
    pub is_chosen: bool,
}

/// What the form shows.
pub struct Filters {
    pub action: String,
    pub from: String,
    pub to: String,
    pub presets: Vec<Preset>,
    /// Parameters that the form keeps.
    pub kept: Vec<(&'static str, String)>,
    /// Empty: not to be chosen here.
    pub teammates: Vec<Choice>,
    pub channels: Vec<Choice>,
    pub steps: Vec<Choice>,
    pub reactions: Vec<Choice>,
    /// What the closed list of reactions says.
    pub reactions_chosen: String,
    pub commented: Vec<Choice>,
    pub followed_up: Vec<Choice>,
    chosen: super::chosen::Chosen,
}

fn choice(value: &str, word: &str, is_chosen: bool) -> Choice {
    Choice {
        value: value.to_owned(),
        word: word.to_owned(),
        is_chosen,
    }
}

/// Any, yes, no.
fn either(chosen: Option<bool>, any: &str, yes: &str, no: &str) -> Vec<Choice> {
    vec![
        choice("any", any, chosen.is_none()),
        choice("yes", yes, chosen == Some(true)),
        choice("no", no, chosen == Some(false)),
    ]
}

impl Filters {
    /// The period, and the teammate among these if there are any.
    pub fn of(desk: &Desk, view: &Address, teammate_ids: Vec<String>) -> Filters {
        let chosen = desk.chosen.clone();
        let mut teammates = Vec::new();
        if !teammate_ids.is_empty()
            || (chosen.teammate.is_some() && view.to_string().contains("teammate="))
        {
            teammates.push(choice("", "All teammates", chosen.teammate.is_none()));
            let is_listed = |id: &String| teammate_ids.contains(id);
            let other = chosen.teammate.as_ref().filter(|id| !is_listed(id));
            for id in other.into_iter().chain(&teammate_ids) {
                teammates.push(choice(id, id, chosen.teammate.as_ref() == Some(id)));
            }
        }
        let asked = [
            "from",
            "to",
            "teammate",
            "channel",
            "granularity",
            "reactions",
            "commented",
            "followed_up",
        ];
        Filters {
            action: view.path().to_owned(),
            from: chosen.period.from.to_string(),
            to: chosen.period.to.to_string(),
            presets: desk.presets(view),
            kept: view.others(&asked),
            teammates,
            channels: Vec::new(),
            steps: Vec::new(),
            reactions: Vec::new(),
            reactions_chosen: String::new(),
            commented: Vec::new(),
            followed_up: Vec::new(),
            chosen,
        }
    }

    /// And the channel.
    #[must_use]
    pub fn with_channel(mut self) -> Filters {
        let chosen = self.chosen.channel;
        self.channels = vec![choice("", "All channels", chosen.is_none())];
        let each = Channel::ALL.iter().map(|channel| {
            let symbol = channel.symbol();
            choice(symbol, words::channel(symbol), chosen == Some(*channel))
        });
        self.channels.extend(each);
        self
    }

    /// And how time is cut.
    #[must_use]
    pub fn with_step(mut self, step: Step) -> Filters {
        let each = [
            (Step::Day, "By day"),
            (Step::Week, "By week"),
            (Step::Month, "By month"),
        ];
        let choice = |(one, word): (Step, &str)| choice(step_symbol(one), word, one == step);
        self.steps = each.into_iter().map(choice).collect();
        self
    }

    /// And what only ratings have.
    #[must_use]
    pub fn with_ratings(mut self) -> Filters {
        let chosen = &self.chosen.reactions;
        let each = Reaction::ALL.iter().map(|reaction| {
            choice(
                reaction.symbol(),
                words::reaction(*reaction),
                chosen.contains(reaction),
            )
        });
        self.reactions = each.collect();
        let names: Vec<_> = chosen
            .iter()
            .map(|reaction| words::reaction(*reaction))
            .collect();
        self.reactions_chosen = match names.as_slice() {
            [] => "All reactions".to_owned(),
            names => names.join(", "),
        };
        self.commented = either(
            self.chosen.commented,
            "Commented or not",
            "With a comment",
            "Without a comment",
        );
        self.followed_up = either(
            self.chosen.followed_up,
            "Followed up or not",
            "Followed up",
            "Not followed up yet",
        );
        self
    }
}
