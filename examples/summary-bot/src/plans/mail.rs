//! Mail, over SMTP.

use std::time::Duration;

use anyhow::{Context, bail};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::MailConfig;
use super::undelivered::Undelivered;
use crate::document::Document;
use crate::render::{Rendering, render};

/// Sends mail. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

/// A mail to one person.
#[derive(Debug)]
pub(crate) struct Mail {
    /// The same for every attempt: mail programs show what came twice once.
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

// === impl Mailer ===

impl Mailer {
    /// `None` where no server is configured. It is not asked yet.
    pub(crate) fn build(config: &MailConfig) -> anyhow::Result<Option<Self>> {
        let Some(url) = &config.url else { return Ok(None) };
        let Some(from) = &config.from else {
            bail!("mail.url (SMTP_URL) is set, and mail.from (SMTP_FROM) is not: say who the mail is from")
        };
        let from: Mailbox = from.parse().with_context(|| {
            format!("mail.from (SMTP_FROM) is `{from}`; right would be `Bot <bot@example.com>`")
        })?;
        // What the library says may have the password in it.
        let Ok(builder) = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose()) else {
            bail!(
                "mail.url (SMTP_URL) is no URL of a mail server; right would be `smtps://user:password@host`"
            )
        };
        let transport = builder.timeout(Some(config.timeout)).build();
        Ok(Some(Self { transport, from, timeout: config.timeout }))
    }

    /// Sends it, within `mail.timeout`. One that the server may have taken although its answer was lost is sent again
    /// under the same Message-ID.
    pub(crate) async fn send(&self, mail: Mail) -> Result<(), Undelivered> {
        let wrong = |words: &str| Undelivered::for_good(format!("a mail to {}: {words}", mail.to));
        let to: Mailbox = mail.to.parse().map_err(|_| wrong("it is no mail address"))?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .message_id(Some(format!("<{}@{domain}>", mail.id)));
        let message = match mail.html {
            Some(html) => message.multipart(MultiPart::alternative_plain_html(mail.text, html)),
            None => message.body(mail.text),
        };
        let message = message.map_err(|error| wrong(&error.to_string()))?;
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(&mail.to, &error)),
            Err(_) => {
                let words =
                    format!("no answer from the mail server within {:?} (mail.timeout)", self.timeout);
                Err(Undelivered::for_now(words))
            }
        }
    }
}

// === impl Mail ===

impl Mail {
    pub(crate) fn of(document: &Document, to: &str, id: String) -> Self {
        Self {
            id,
            to: to.to_owned(),
            subject: document.title.clone(),
            text: render(&document.summary, Rendering::Text),
            html: Some(render(&document.summary, Rendering::Html)),
        }
    }

    pub(crate) fn notice(text: &str, to: &str, id: String) -> Self {
        let subject = "A schedule of summaries is paused".to_owned();
        Self { id, to: to.to_owned(), subject, text: text.to_owned(), html: None }
    }
}

fn refused(to: &str, error: &SmtpError) -> Undelivered {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    let words = format!("a mail to {to}: {error}{cause}");
    if error.is_permanent() { Undelivered::for_good(words) } else { Undelivered::for_now(words) }
}
