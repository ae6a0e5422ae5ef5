//! What operators may do with plans, in the words of a command line.

use groundcrew_runtime::{Crew, OperationError};
use serde_json::{Value, json};

use super::{Plan, PlanError, PlanId, PlanQuery, Timetable};

const HELP: &str = "timetable [list [--owner OWNER] [--job NAME] [--after ID] [--limit N]] | show ID | run ID | \
                    pause ID | resume ID | delete ID";

/// A command line, understood.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    List(PlanQuery),
    One(Verb, PlanId),
}

#[derive(Debug, PartialEq, Eq)]
enum Verb {
    Show,
    Run,
    Pause,
    Resume,
    Delete,
}

/// Offers the operation `timetable`.
pub(super) fn offer(crew: &Crew, timetable: &Timetable) {
    let timetable = timetable.clone();
    crew.operation("timetable", HELP, move |words| {
        let timetable = timetable.clone();
        async move {
            let command =
                Command::parse(&words).map_err(|wrong| OperationError::Usage(format!("{wrong}; {HELP}")))?;
            let answer = command.run(&timetable).await;
            answer.map(|answer| answer.to_string()).map_err(|error| OperationError::Failed(error.to_string()))
        }
    });
}

// === impl Command ===

impl Command {
    fn parse(words: &[String]) -> Result<Self, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let verb = match words[..] {
            [] => return Ok(Self::List(PlanQuery::default())),
            ["list", ref rest @ ..] => return Ok(Self::List(query(rest)?)),
            ["show", _] => Verb::Show,
            ["run", _] => Verb::Run,
            ["pause", _] => Verb::Pause,
            ["resume", _] => Verb::Resume,
            ["delete", _] => Verb::Delete,
            _ => return Err("say what to do with which plan".to_owned()),
        };
        Ok(Self::One(verb, plan_id(words[1])?))
    }

    async fn run(self, timetable: &Timetable) -> Result<Value, PlanError> {
        let (verb, id) = match self {
            Self::List(query) => {
                let page = timetable.list(query).await?;
                return Ok(page.plans.iter().map(brief).collect());
            }
            Self::One(verb, id) => (verb, id),
        };
        match verb {
            Verb::Show => {}
            Verb::Run => return Ok(json!({"job": timetable.run_now(id).await?})),
            Verb::Pause => timetable.pause(id, "by an operator").await?,
            Verb::Resume => drop(timetable.resume(id).await?),
            Verb::Delete => return Ok(json!({"deleted": timetable.delete(id).await?})),
        }
        let plan = timetable.get(id).await?.ok_or(PlanError::Missing { id })?;
        Ok(full(&plan))
    }
}

fn brief(plan: &Plan) -> Value {
    json!({
        "id": plan.id,
        "owner": plan.owner,
        "name": plan.name,
        "job": plan.job,
        "timing": plan.timing.to_string(),
        "paused": plan.paused,
        "last": plan.last,
        "next": plan.next,
    })
}

fn full(plan: &Plan) -> Value {
    json!({
        "id": plan.id,
        "owner": plan.owner,
        "name": plan.name,
        "job": plan.job,
        "payload": plan.payload,
        "timing": plan.timing.to_string(),
        "misfire": plan.misfire.to_string(),
        "paused": plan.paused,
        "paused_because": plan.paused_because,
        "last": plan.last,
        "last_job": plan.last_job,
        "next": plan.next,
        "fired": plan.fired,
        "missed": plan.missed,
        "created_at": plan.created_at,
    })
}

fn query(words: &[&str]) -> Result<PlanQuery, String> {
    let mut query = PlanQuery::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| format!("{word} needs a value"));
        query = match *word {
            "--owner" => query.owner(value()?),
            "--job" => query.job(value()?),
            "--after" => query.after(plan_id(value()?)?),
            "--limit" => query.limit(value()?.parse().map_err(|_| "--limit needs a number".to_owned())?),
            other => return Err(format!("list does not take `{other}`")),
        };
    }
    Ok(query)
}

fn plan_id(text: &str) -> Result<PlanId, String> {
    text.parse().map_err(|_| format!("`{text}` is not the id of a plan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn plans_are_listed_and_one_is_named() {
        assert_eq!(parse(""), Ok(Command::List(PlanQuery::default())));
        let query = PlanQuery::default().owner("guild").limit(5);
        assert_eq!(parse("list --owner guild --limit 5"), Ok(Command::List(query)));
        let id = PlanId::random();
        assert_eq!(parse(&format!("pause {id}")), Ok(Command::One(Verb::Pause, id)));
        assert_eq!(parse("pause x"), Err("`x` is not the id of a plan".into()));
        assert_eq!(parse("list --owner"), Err("--owner needs a value".into()));
        assert_eq!(parse("stop"), Err("say what to do with which plan".into()));
    }
}
