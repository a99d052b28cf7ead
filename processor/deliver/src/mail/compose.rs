//! The mail that asks: subject, a text part, an HTML part made of MJML, and headers.

use std::time::SystemTime;

use afterword_readmodel::{Asked, Contact};
use afterword_schemas::records::Reaction;
use askama::Template;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use mrml::prelude::render::RenderOptions;

use crate::options::{Look, MailOptions};
use crate::texts::Texts;

/// The fonts of the reader's own system.
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif";

/// The reactions' faces and colours, with the colour of the words on them that can be read best.
fn appearance(reaction: Reaction) -> (&'static str, &'static str, &'static str) {
    match reaction {
        Reaction::Terrible => ("😠", "#b2182b", "#ffffff"),
        Reaction::Bad => ("🙁", "#ef8a62", "#1c1c1e"),
        Reaction::Ok => ("😐", "#8c8c8c", "#000000"),
        Reaction::Great => ("😃", "#67a9cf", "#1c1c1e"),
        Reaction::Amazing => ("😍", "#2166ac", "#ffffff"),
    }
}

/// What a mail is made of.
pub struct Letter {
    pub asked: Asked,
    pub contact: Option<Contact>,
    pub to: Mailbox,
    pub look: Look,
    /// The survey's address.
    pub link: String,
}

struct Choice {
    word: String,
    face: &'static str,
    background: &'static str,
    text: &'static str,
    url: String,
}

#[derive(Template)]
#[template(path = "mail.mjml", escape = "html")]
struct Html<'a> {
    lang: &'a str,
    dir: &'a str,
    start: &'a str,
    font: &'a str,
    colour: &'a str,
    subject: &'a str,
    preview: &'a str,
    heading: &'a str,
    question: &'a str,
    why: &'a str,
    choices: &'a [Choice],
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Plain<'a> {
    heading: &'a str,
    question: &'a str,
    why: &'a str,
    choices: &'a [Choice],
}

impl Letter {
    /// The mail as it goes over the wire.
    ///
    /// # Errors
    /// With what is wrong with the configured sender, or a template.
    pub fn compose(&self, options: &MailOptions) -> Result<Vec<u8>, String> {
        let texts = self.texts();
        let say = |name: &str| texts.say(name, &self.look.name);
        let choices: Vec<_> = Reaction::ALL
            .iter()
            .map(|reaction| self.choice(&texts, *reaction))
            .collect();
        let subject = say("subject");
        let (heading, question, why) = (say("heading"), say("question"), say("why"));
        let html = Html {
            lang: texts.lang,
            dir: if texts.is_right_to_left() {
                "rtl"
            } else {
                "ltr"
            },
            start: if texts.is_right_to_left() {
                "right"
            } else {
                "left"
            },
            font: FONT,
            colour: &self.look.colour,
            subject: &subject,
            preview: &say("preview"),
            heading: &heading,
            question: &question,
            why: &why,
            choices: &choices,
        };
        let plain = Plain {
            heading: &heading,
            question: &question,
            why: &why,
            choices: &choices,
        };
        let plain = plain.render().map_err(|error| error.to_string())?;
        let parts = MultiPart::alternative_plain_html(plain, render(&html)?);
        let message = self.headers(options, subject)?.multipart(parts);
        let message = message.map_err(|error| format!("the mail cannot be made: {error}"))?;
        Ok(message.formatted())
    }

    fn texts(&self) -> Texts {
        let contact = self.contact.as_ref();
        let of_contact = contact.and_then(|contact| contact.locale.as_deref());
        Texts::of(of_contact.into_iter().chain([self.look.locale.as_str()]))
    }

    fn choice(&self, texts: &Texts, reaction: Reaction) -> Choice {
        let (face, background, text) = appearance(reaction);
        Choice {
            word: texts.say(reaction.symbol(), &self.look.name),
            face,
            background,
            text,
            url: format!("{}?r={}", self.link, reaction.symbol()),
        }
    }

    /// Sender, recipient, and what tells mail programs and other machines what this is. No `List-Unsubscribe`: it is no list,
    /// but one mail about a conversation that the reader had.
    fn headers(
        &self,
        options: &MailOptions,
        subject: String,
    ) -> Result<lettre::message::MessageBuilder, String> {
        let mut from = mailbox("deliver.from", &options.from)?;
        let name = from.name.take();
        from.name = Some(printable(&name.unwrap_or_else(|| self.look.name.clone())));
        let mut to = self.to.clone();
        to.name = to.name.as_deref().map(printable);
        // Of the request alone: a mail that is sent twice is one mail to whoever sorts by it.
        let domain = from.email.domain();
        let message_id = format!("<{}@{domain}>", self.asked.requested.request_id);
        let mut builder = Message::builder()
            .message_id(Some(message_id))
            .date(SystemTime::now())
            .to(to)
            .subject(printable(&subject));
        if let Some(reply_to) = &options.reply_to {
            builder = builder.reply_to(mailbox("deliver.reply_to", reply_to)?);
        }
        let own = [
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ];
        for (name, value) in own {
            let name = HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
        }
        Ok(builder.from(from))
    }
}

/// Without control characters, which no header may have.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(clean).collect()
}

/// Reads a configured address.
pub fn mailbox(key: &str, text: &str) -> Result<Mailbox, String> {
    text.parse()
        .map_err(|error| format!("`{key}`: expected an email address: {error}"))
}

fn render(html: &Html<'_>) -> Result<String, String> {
    let mjml = html.render().map_err(|error| error.to_string())?;
    let parsed = mrml::parse(&mjml).map_err(|error| format!("the mail's template: {error}"))?;
    let options = RenderOptions {
        disable_comments: true,
        // Else it links fonts of a third party, which then learns who reads what.
        fonts: Default::default(),
        ..RenderOptions::default()
    };
    let rendered = parsed.element.render(&options);
    rendered.map_err(|error| format!("the mail's template: {error}"))
}

#[cfg(test)]
mod tests;
