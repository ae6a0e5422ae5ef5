//! How the bot says that something is not possible.

use groundcrew::http::Problem;
use groundcrew::telemetry;

use super::reply::{Embed, Reply};

/// Amber: it is a pity, but nothing is broken.
const PITY: u32 = 0xE0_A0_30;
/// Red: something of ours is.
const BROKEN: u32 = 0xC0_39_2B;

/// A problem, in friendly words, with the id under which the log has it.
pub(crate) fn refusal(problem: &Problem) -> Reply {
    let json = problem.to_json();
    let detail = json["detail"].as_str().unwrap_or("Something went wrong on our side.");
    let ours = problem.status().is_server_error();
    let code = json["code"].as_str().unwrap_or_default();
    let request =
        telemetry::with_current(|context| context.map(|context| context.request_id().as_str().to_owned()));
    let footer = match request {
        Some(id) => format!("{code} · request {id}"),
        None => code.to_owned(),
    };
    Reply::embed(Embed {
        title: Some(if ours { "That did not work" } else { "That is not possible" }.to_owned()),
        description: Some(sentence(detail)),
        footer: Some(footer),
        colour: Some(if ours { BROKEN } else { PITY }),
        ..Embed::default()
    })
}

/// Problems speak in small letters.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let rest: String = letters.take(4000).collect();
    let end = if rest.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{rest}{end}")
}

#[cfg(test)]
mod tests {
    use groundcrew::http::axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_problem_becomes_a_sentence_with_its_code() {
        let problem = Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
            .detail("this channel is closed to me");
        let embed = refusal(&problem).embeds.remove(0);
        assert_eq!(embed.description.as_deref(), Some("This channel is closed to me."));
        assert_eq!(embed.footer.as_deref(), Some("CHANNEL_ACCESS_DENIED"));
    }
}
