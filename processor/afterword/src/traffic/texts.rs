//! What people write. Sentences are put together so that no two conversations read alike.

use afterword_schemas::records::Reaction;

use super::dice::Dice;
use super::people::Day;

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

const BROKEN: &[&str] = &[
    "nobody in our office can sign in since this morning, we only get an error with the number 503.",
    "the page for orders stays white. Our shop is standing still, is anybody working on this?",
    "all our automations stopped at nine o'clock and your status page says that everything is fine.",
    "we cannot reach any of our conversations. When will this be repaired?",
];

const OUTAGE: &[&str] = &[
    "Down for a whole working day, and nobody could tell us when it would be back.",
    "We lost orders today. An apology is not enough.",
    "I was told to try again later. I did, all day.",
    "Your status page was green while nothing worked. Please tell us the truth next time.",
    "Friendly, but nobody could do anything about it.",
    "Three people answered me, none of them knew what was going on.",
];

const HAPPY: &[&str] = &[
    "Fast, friendly and it worked at once. Thank you!",
    "The best support I have met in years.",
    "Explained so that even I understood it :)",
    "Answered within two minutes and stayed until everything was solved. 🎉",
    "You went out of your way to help us before our deadline, the whole office says thanks.",
    "Great help, and very patient with all my questions.",
    "I wrote at ten in the evening and did not expect anybody to answer. Thank you so much!",
    "Honest about what the product cannot do, and found a way around it. That is rare.",
    "Called the bank with us on the line. Who does that? Wonderful.",
    "Problem understood at once, solved at once, explained without a single word of jargon.",
    "Please give this person a raise.",
    "Short, clear, correct. Merci beaucoup !",
    "They followed up two days later to see whether it still works. It does.",
    "Danke für die schnelle Hilfe, genau so soll es sein.",
    "Our accountant is happy, so I am happy.",
    "You turned a bad Monday into a good one. 💚",
];

const NEUTRAL: &[&str] = &[
    "Solved in the end, but it took a while.",
    "Fine, though I had to explain the problem twice.",
    "The answer was correct, the page in the help centre is not.",
    "Okay. I would have liked a call instead of eight messages.",
    "It works again, nobody could tell me why it stopped.",
    "Friendly, a bit slow.",
];

const UNHAPPY: &[&str] = &[
    "I waited two days for an answer that did not help.",
    "My question was closed before it was solved.",
    "I was sent from one person to the next and had to begin anew each time.",
    "The bug is still there. Please take it seriously.",
    "A copied answer that had nothing to do with what I asked.",
    "Three days, four people, no refund. I am looking at other products now.",
    "I was asked for the same screenshot three times.",
    "The workaround deleted our tags. Nobody had warned us.",
    "I explained that I cannot restart the server in the middle of the day, and was told to restart the server.",
    "You charged us twice and I had to prove it to you.",
    "Closed as solved. It is not solved. I have opened a new one.",
    "The tone was rude, to be honest.",
];

/// What a comment may go on with.
const MORE: &[&str] = &[
    "Keep it up!",
    "I will tell my colleagues.",
    "That is how support should be.",
    "Made my day.",
    "No complaints at all.",
    "Ten out of ten.",
];

const NOTES: &[&str] = &[
    "Same cause as the ticket of last week, linked there.",
    "Asked engineering, they look into it this afternoon.",
    "Careful, this customer is about to renew.",
];

/// The customer's first message.
pub fn question(dice: &mut Dice, day: Day) -> String {
    let questions = match day {
        Day::Incident if dice.chance(700) => BROKEN,
        _ => QUESTIONS,
    };
    format!(
        "{} {} {}",
        dice.pick(GREETINGS),
        dice.pick(questions),
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
pub fn comment(dice: &mut Dice, reaction: Reaction, day: Day) -> String {
    let list = match reaction {
        Reaction::Great | Reaction::Amazing => HAPPY,
        Reaction::Ok => NEUTRAL,
        Reaction::Bad | Reaction::Terrible if day == Day::Incident => OUTAGE,
        Reaction::Bad | Reaction::Terrible => UNHAPPY,
    };
    let comment = *dice.pick(list);
    let is_happy = matches!(reaction, Reaction::Great | Reaction::Amazing);
    match is_happy && dice.chance(300) {
        true => format!("{comment} {}", dice.pick(MORE)),
        false => comment.to_owned(),
    }
}
