//! What operators may do with jobs, in the words of a command line.

use std::sync::Arc;

use groundcrew_runtime::{Crew, OperationError};
use serde_json::{Value, json};

use crate::{Backend, BackendError, DeadQuery, DeadSet, JobId, Selection};

/// One line for people; also what a wrong command line is answered with.
const HELP: &str = "jobs stats | list [--name NAME] [--limit N] | show ID | requeue ID…|--name NAME|--all | \
                    discard ID…|--name NAME|--all";

/// A command line, understood.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Stats,
    List(DeadQuery),
    Show(JobId),
    Requeue(Selection),
    Discard(Selection),
}

/// Offers the operation `jobs`.
pub(crate) fn offer(crew: &Crew, backend: &Arc<dyn Backend>) {
    let backend = backend.clone();
    crew.operation("jobs", HELP, move |words| {
        let backend = backend.clone();
        async move {
            let command =
                Command::parse(&words).map_err(|wrong| OperationError::Usage(format!("{wrong}; {HELP}")))?;
            match command.run(backend).await {
                Ok(answer) => Ok(answer.to_string()),
                Err(error) => Err(OperationError::Failed(error.to_string())),
            }
        }
    });
}

// === impl Command ===

impl Command {
    fn parse(words: &[String]) -> Result<Self, String> {
        let (verb, rest) = words.split_first().ok_or("say what to do")?;
        match verb.as_str() {
            "stats" if rest.is_empty() => Ok(Self::Stats),
            "list" => Ok(Self::List(query(rest)?)),
            "show" => match rest {
                [id] => Ok(Self::Show(job_id(id)?)),
                _ => Err("show takes one id".to_owned()),
            },
            "requeue" => Ok(Self::Requeue(selection(rest)?)),
            "discard" => Ok(Self::Discard(selection(rest)?)),
            other => Err(format!("there is no `{other}` to do with jobs")),
        }
    }

    async fn run(self, backend: Arc<dyn Backend>) -> Result<Value, BackendError> {
        let dead = DeadSet::new(backend.clone());
        Ok(match self {
            Self::Stats => backend
                .stats()
                .await?
                .iter()
                .map(|stat| {
                    json!({
                        "job": stat.name,
                        "state": stat.state,
                        "count": stat.count,
                        "oldest_seconds": stat.oldest.as_secs(),
                    })
                })
                .collect(),
            Self::List(query) => dead
                .list(query)
                .await?
                .iter()
                .map(|job| {
                    json!({
                        "id": job.id,
                        "name": job.name,
                        "died_at": job.died_at,
                        "attempts": job.attempts,
                        "crashes": job.crashes,
                        "cause": job.cause(),
                    })
                })
                .collect(),
            Self::Show(id) => json!(dead.show(id).await?),
            Self::Requeue(which) => json!({"requeued": dead.requeue(which).await?}),
            Self::Discard(which) => json!({"discarded": dead.discard(which).await?}),
        })
    }
}

fn query(words: &[String]) -> Result<DeadQuery, String> {
    let mut query = DeadQuery::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        query = match word.as_str() {
            "--name" => query.name(value()?),
            "--limit" => query.limit(value()?.parse().map_err(|_| "--limit needs a number".to_owned())?),
            other => return Err(format!("list does not take `{other}`")),
        };
    }
    Ok(query)
}

/// Nothing at all is not everything: whoever means all of them says so.
fn selection(words: &[String]) -> Result<Selection, String> {
    match words {
        [] => Err("say which: ids, --name NAME or --all".to_owned()),
        [all] if all == "--all" => Ok(Selection::all()),
        [flag, name] if flag == "--name" => Ok(Selection::all().name(name)),
        ids => {
            let ids = ids.iter().map(|id| job_id(id)).collect::<Result<_, _>>()?;
            Ok(Selection { ids, ..Selection::default() })
        }
    }
}

fn job_id(text: &str) -> Result<JobId, String> {
    text.parse().map_err(|_| format!("`{text}` is not the id of a job"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn whoever_means_all_jobs_says_so() {
        assert_eq!(parse("discard"), Err("say which: ids, --name NAME or --all".into()));
        assert_eq!(parse("discard --all"), Ok(Command::Discard(Selection::all())));
        assert_eq!(
            parse("requeue --name summarize"),
            Ok(Command::Requeue(Selection::all().name("summarize")))
        );
    }

    #[test]
    fn ids_are_checked_before_anything_is_done() {
        let id = JobId::random();
        assert_eq!(parse(&format!("requeue {id}")), Ok(Command::Requeue(Selection::id(id))));
        assert_eq!(parse(&format!("requeue {id} x")), Err("`x` is not the id of a job".into()));
    }

    #[test]
    fn a_list_may_be_narrowed() {
        let expected = DeadQuery::default().name("summarize").limit(5);
        assert_eq!(parse("list --name summarize --limit 5"), Ok(Command::List(expected)));
        assert_eq!(parse("list --limit"), Err("--limit needs a value".into()));
        assert_eq!(parse("lst"), Err("there is no `lst` to do with jobs".into()));
    }

    #[tokio::test]
    async fn the_crew_offers_it() {
        let crew = Crew::builder("test", "1.0.0").build();
        let memory: Arc<dyn Backend> = Arc::new(crate::Memory::new());
        offer(&crew, &memory);
        assert_eq!(crew.operate("jobs", vec!["list".into()]).await.unwrap(), "[]");
    }
}
