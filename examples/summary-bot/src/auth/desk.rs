//! `summary-bot keys …`: what operators do with keys, over the admin listener.

use groundcrew::Crew;
use groundcrew::auth::{ApiKeys, NewKey, Scopes};
use groundcrew::runtime::OperationError;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::keys::{shown, shown_once};
use super::{OPERATOR, scope};

const HELP: &str = "keys create NAME [--scopes \"summaries:read summaries:write\"] [--subject WHO] [--days N] | \
                    keys list | keys revoke ID | keys scopes";

/// A command line, understood.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Create { name: String, scopes: Scopes, subject: String, days: Option<u32> },
    List,
    Revoke(String),
    Scopes,
}

/// Offers the operation `keys`.
pub(crate) fn offer(crew: &Crew, keys: &ApiKeys) {
    let keys = keys.clone();
    crew.operation("keys", HELP, move |words| {
        let keys = keys.clone();
        async move {
            let command =
                Command::parse(&words).map_err(|wrong| OperationError::Usage(format!("{wrong}; {HELP}")))?;
            match command.run(&keys).await {
                Ok(answer) => Ok(answer.to_string()),
                Err(error) => Err(OperationError::Failed(error.to_string())),
            }
        }
    });
}

// === impl Command ===

impl Command {
    fn parse(words: &[String]) -> Result<Self, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["create", name, ref options @ ..] if !name.starts_with("--") => Self::create(name, options),
            ["list"] => Ok(Self::List),
            ["revoke", id] => Ok(Self::Revoke(id.to_owned())),
            ["scopes"] => Ok(Self::Scopes),
            _ => Err("say what to do".to_owned()),
        }
    }

    fn create(name: &str, options: &[&str]) -> Result<Self, String> {
        let (mut scopes, mut subject, mut days) = (None, None, None);
        for option in options.chunks(2) {
            match *option {
                ["--scopes", text] => {
                    scopes = Some(text.parse::<Scopes>().map_err(|error| error.to_string())?);
                }
                ["--subject", text] if !text.is_empty() => subject = Some(text.to_owned()),
                ["--days", text] => {
                    let number = text.parse::<u32>().ok().filter(|days| *days > 0);
                    days = Some(number.ok_or("--days takes a number from 1 on")?);
                }
                _ => return Err(format!("{} is not understood", option[0])),
            }
        }
        let usual = || Scopes::of(["summaries:read", "summaries:write"]).map_err(|error| error.to_string());
        let scopes = scopes.map_or_else(usual, Ok)?;
        let subject = subject.unwrap_or_else(|| OPERATOR.to_owned());
        Ok(Self::Create { name: name.to_owned(), scopes, subject, days })
    }

    async fn run(self, keys: &ApiKeys) -> sqlx::Result<Value> {
        Ok(match self {
            Self::Create { name, scopes, subject, days } => {
                let new = NewKey::new(subject, name).with_scopes(scopes);
                let expiry = days.map(|days| Timestamp::now().as_second() + i64::from(days) * 86_400);
                let new = expiry.into_iter().fold(new, NewKey::with_expiry);
                shown_once(&keys.create(new).await?)
            }
            Self::List => keys.list(None).await?.iter().map(shown).collect(),
            Self::Revoke(id) => json!({"revoked": keys.revoke(&id).await?}),
            Self::Scopes => {
                let all = scope::ALL.iter();
                all.map(|(name, words)| json!({"scope": name, "allows": words})).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(&line.split(' ').map(|word| word.replace('_', " ")).collect::<Vec<_>>())
    }

    #[test]
    fn a_command_line_is_understood_or_answered_with_what_would_be() {
        let scopes = "usage:read keys:read".parse().expect("scopes");
        let (name, subject) = ("the backup".to_owned(), "42".to_owned());
        let expected = Command::Create { name, scopes, subject, days: Some(30) };
        let line = "create the_backup --scopes usage:read_keys:read --subject 42 --days 30";
        assert_eq!(parse(line), Ok(expected));
        assert_eq!(parse("revoke 1"), Ok(Command::Revoke("1".to_owned())));
        for wrong in [
            "",
            "create",
            "create --days",
            "create a --days",
            "create a --days 0",
            "create a --scopes \"",
            "revoke",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
