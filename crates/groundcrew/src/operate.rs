use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use groundcrew_config::Shape;
use serde_json::{Value, json};

use crate::arguments::{Arguments, shown};
use crate::local::Place;
use crate::reserved::Reserved;
use crate::{Service, exit, table};

/// How long we wait for the answer: some operations go through many jobs. The listener answers within it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// `operate NAME WORD…`, or `jobs WORD…`: asks the admin listener of the service that runs beside us.
pub(crate) fn run(
    service: &Service,
    arguments: &Arguments,
    shape: &Shape,
    operation: Option<&str>,
) -> ExitCode {
    let reserved = match service.part::<Reserved>(arguments, shape) {
        Ok((_loaded, reserved)) => reserved,
        Err(problems) => return exit::with(exit::CONFIG, &problems.to_string()),
    };
    let words = arguments.rest.iter().map(|word| word.to_string_lossy().into_owned());
    let mut words: Vec<String> = words.collect();
    let operation = match operation {
        Some(operation) => Some(operation.to_owned()),
        None if words.is_empty() => None,
        None => Some(words.remove(0)),
    };
    let head = match &operation {
        Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) => {
            format!("POST /operations/{name} HTTP/1.1\r\n")
        }
        Some(name) => return exit::with(exit::USAGE, &unheard_of(name)),
        None => "GET /operations HTTP/1.1\r\n".to_owned(),
    };
    let authorization =
        reserved.admin.token.as_ref().map(|token| format!("authorization: Bearer {}\r\n", token.expose()));
    let body = if operation.is_some() { json!(words).to_string() } else { String::new() };
    let place = Place::tcp(reserved.admin.host.0, reserved.admin.port);
    match place.ask(&(head + &authorization.unwrap_or_default()), &body, TIMEOUT) {
        Ok(answer) => show(answer.status, &answer.body),
        Err(error) => {
            let words = format!(
                "the admin listener of {} does not answer on {place}: {error}; is it running, and does \
                 admin.port fit?",
                service.name
            );
            exit::with(exit::FAILED, &words)
        }
    }
}

fn unheard_of(operation: &str) -> String {
    format!("there is no operation {}", shown(operation))
}

/// JSON into a pipe, a table onto a terminal.
fn show(status: u16, body: &str) -> ExitCode {
    let Ok(answer) = serde_json::from_str::<Value>(body) else {
        return exit::with(
            exit::FAILED,
            &format!("the admin listener answers {status} without JSON: {body}"),
        );
    };
    if status != 200 {
        let code = if status == 400 || status == 404 { exit::USAGE } else { exit::FAILED };
        return exit::with(code, answer["detail"].as_str().unwrap_or(body));
    }
    if std::io::stdout().is_terminal() {
        print!("{}", table::of(&answer));
    } else {
        println!("{answer:#}");
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use groundcrew_config::FromConfig;

    use super::*;
    use crate::service::beside::Wrong;

    #[test]
    fn what_is_wrong_with_other_sections_is_no_matter_of_an_operator() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let set = vec![format!("admin.port={}", free.port())];
        let arguments = Arguments { set, ..Arguments::default() };
        let service = Service::new("test", "1.0.0");
        let shape = Shape::merge(&[Reserved::shape(), Wrong::shape()]);
        assert!(service.load(&arguments, &shape).is_err());
        for operation in [None, Some("jobs")] {
            // Nobody listens there.
            assert_eq!(run(&service, &arguments, &shape, operation), ExitCode::from(exit::FAILED));
        }
    }

    #[test]
    fn of_a_setting_in_the_place_of_an_operation_the_value_is_not_shown() {
        let words = unheard_of("auth.secret=hunter2");
        assert_eq!(words, "there is no operation auth.secret (did you mean `--set KEY=VALUE`?)");
    }
}
