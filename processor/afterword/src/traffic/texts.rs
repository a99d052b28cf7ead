//! What people write. Sentences are put together so that no two conversations read alike.

use afterword_schemas::records::Reaction;

use super::dice::Dice;

const GREETINGS: &[&str] = &[
    "Hi there,",
    "Hello,",
    "Hey team,",
    "Good morning,",
    "Hi, quick question:",
    "Hello! 👋",
    "Hi,",
];

const QUESTIONS: &[&str] = &[
    "I was charged twice for my subscription this month and I can only see one of the two on the invoice page.",
    "the export of our contacts has been stuck at 80 percent since yesterday evening and the report is due today.",
    "how can I invite three colleagues without giving all of them access to the billing settings?",
    "since the last update the mobile app logs me out each time I open it, on two different phones.",
    "we would like to move from the monthly to the yearly plan. Do the days that are already paid count?",
    "the webhook for new orders arrives two or three times for some orders, and our stock is now wrong.",
    "I cannot find where to change the time zone of the weekly report, it always arrives in the middle of the night.",
    "is it possible to merge two workspaces? We ended up with one for each of our offices.",
    "my password reset mail never arrives. I have looked in the spam folder as well.",
    "the search finds customers by their name but not by their phone number any more.",
    "does your API have a limit on how many requests a minute we may send? We see 429 since Monday.",
    "I would like a copy of all data that you hold about me, please.",
];

const DETAILS: &[&str] = &[
    "It worked without any trouble until last Thursday.",
    "I have tried another browser and a private window, with the same result.",
    "A screenshot is attached. The number at the bottom is the one that is wrong.",
    "It is not urgent, but it would help us a lot before the end of the month.",
    "Several people of our team see the same thing.",
    "The order number is 48213, in case you need it.",
    "I have read the help page about it and it did not mention this case.",
    "Thank you for looking into it so quickly!",
];

const REPLIES: &[&str] = &[
    "Thanks for writing in! I am having a look at your account right now, please give me a moment.",
    "I can see what happened: the second charge is only a reservation and will disappear within three working days.",
    "I have started the export again on our side, with more memory. You will get a mail as soon as it is done.",
    "You can do that under Settings, then Teammates: choose the role Agent, which cannot see any invoices.",
    "That is a fault of the latest version, sorry about that. A corrected one comes out tomorrow morning.",
    "Good question! Yes, the days that are already paid are taken off the price of the yearly plan.",
    "I have asked our engineers, and they found the cause in the log of your webhook. It is being corrected.",
    "The time zone of reports is that of the workspace. I have described below where it can be changed.",
    "I have sent the mail again from here, to the address you wrote from. Could you check whether it arrived?",
    "Could you tell me the time at which you saw it last, so that I can find it in our records?",
];

const CLOSINGS: &[&str] = &[
    "Glad that it works again! I am closing this conversation now; just write here if anything else comes up.",
    "You are welcome! Have a good day, and do not hesitate to write again.",
    "Great, then we are done here. Thank you for your patience!",
];

const THANKS: &[&str] = &[
    "That did it, thank you very much!",
    "Perfect, it works now. Thanks for the quick help.",
    "I see, that makes sense. Thank you!",
    "All right, I will wait for the mail then.",
    "Hm, not quite what I had hoped for, but thanks for the explanation.",
];

const SHORT: &[(&str, &str)] = &[
    ("Are you open on Monday?", "Yes, from nine to five!"),
    ("Where is my invoice?", "Under Settings, Billing."),
    ("Can I pay by card?", "Yes, all the usual ones."),
    ("Is the API down?", "It is back since noon, sorry!"),
];

const CAMPAIGN: &str = "We have something new for you: reports can now be sent to your whole team every Monday. Would you like to try it?";

const HAPPY: &[&str] = &[
    "Fast, friendly and it worked at once. Thank you!",
    "The best support I have met in years.",
    "Explained so that even I understood it :)",
    "Answered within two minutes and stayed until everything was solved. 🎉",
    "You went out of your way to help us before our deadline, the whole office says thanks.",
    "Great help, and very patient with all my questions.",
];

const NEUTRAL: &[&str] = &[
    "Solved in the end, but it took a while.",
    "Fine, though I had to explain the problem twice.",
    "The answer was correct, the page in the help centre is not.",
];

const UNHAPPY: &[&str] = &[
    "I waited two days for an answer that did not help.",
    "My question was closed before it was solved.",
    "I was sent from one person to the next and had to begin anew each time.",
    "The bug is still there. Please take it seriously.",
    "A copied answer that had nothing to do with what I asked.",
];

const NOTES: &[&str] = &[
    "Same cause as the ticket of last week, linked there.",
    "Asked engineering, they look into it this afternoon.",
    "Careful, this customer is about to renew.",
];

/// The customer's first message.
pub fn question(dice: &mut Dice) -> String {
    format!(
        "{} {} {}",
        dice.pick(GREETINGS),
        dice.pick(QUESTIONS),
        dice.pick(DETAILS)
    )
}

/// A teammate's reply.
pub fn reply(dice: &mut Dice) -> String {
    (*dice.pick(REPLIES)).to_owned()
}

/// The teammate's last words.
pub fn closing(dice: &mut Dice) -> String {
    (*dice.pick(CLOSINGS)).to_owned()
}

/// The customer, later on.
pub fn further(dice: &mut Dice) -> String {
    let list = if dice.chance(500) { DETAILS } else { THANKS };
    (*dice.pick(list)).to_owned()
}

/// A question and its answer, together well below the threshold.
pub fn short(dice: &mut Dice) -> (String, String) {
    let (question, answer) = dice.pick(SHORT);
    ((*question).to_owned(), (*answer).to_owned())
}

/// A message to many customers.
#[must_use]
pub fn campaign() -> String {
    CAMPAIGN.to_owned()
}

/// A note among teammates.
pub fn note(dice: &mut Dice) -> String {
    (*dice.pick(NOTES)).to_owned()
}

/// What a customer adds to a reaction.
pub fn comment(dice: &mut Dice, reaction: Reaction) -> String {
    let list = match reaction {
        Reaction::Great | Reaction::Amazing => HAPPY,
        Reaction::Ok => NEUTRAL,
        Reaction::Bad | Reaction::Terrible => UNHAPPY,
    };
    (*dice.pick(list)).to_owned()
}
