//! A job as a message: the envelope is the body, so that all of it travels with every move.

use groundcrew_amqp::{Delivery, Field, Message};
use jiff::Timestamp;

use super::generation::Generation;
use super::ladder;
use super::route::{Lane, Names, Route};
use crate::{Envelope, Failure, FailureKind};

/// Header: not before, in microseconds since 1970.
const NOT_BEFORE: &str = "job-not-before";
/// Header of a dead job: since when, in microseconds since 1970.
const DIED_AT: &str = "job-died-at";

/// Where a job goes that is to wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    No,
    Until(Timestamp),
    /// One step of the ladder, and then it is looked at again.
    Step(std::time::Duration),
}

pub(super) fn read(delivery: &Delivery) -> Result<Envelope, serde_json::Error> {
    serde_json::from_slice(delivery.payload())
}

/// Not before this, if that is not over.
pub(super) fn not_before(delivery: &Delivery) -> Option<Timestamp> {
    time(delivery, NOT_BEFORE)
}

/// The job as it lies in the dead set, and since when.
pub(super) fn read_dead(delivery: &Delivery) -> Result<(Envelope, Timestamp), serde_json::Error> {
    let mut envelope = read(delivery)?;
    if let Some(died) = time(delivery, DIED_AT) {
        return Ok((envelope, died));
    }
    // The broker itself gave it up: by its own limit of deliveries, the net under ours.
    let at = envelope.history.last().map_or(envelope.enqueued_at, |failure| failure.at);
    let cause = "RabbitMQ gave it up after too many deliveries without an outcome".to_owned();
    let attempt = envelope.attempts + 1;
    envelope.remember(Failure { attempt, at, kind: FailureKind::Crash, cause });
    Ok((envelope, at))
}

pub(super) fn dead(names: &Names, envelope: &Envelope, generation: Generation, died: Timestamp) -> Message {
    let message = message("", &names.dead(), envelope, generation);
    message.header(DIED_AT, died.as_microsecond())
}

pub(super) fn waiting(
    names: &Names,
    route: &Route,
    envelope: &Envelope,
    generation: Generation,
    suspect: u32,
    wait: Wait,
) -> Message {
    let queue = route.queue(Lane::of(envelope, suspect));
    let (step, due) = match wait {
        Wait::No => return message("", queue, envelope, generation),
        Wait::Step(step) => (step, None),
        Wait::Until(due) => match left(due) {
            Some(left) => (ladder::step(left), Some(due)),
            None => return message("", queue, envelope, generation),
        },
    };
    let message = message(&names.delay_exchange(step), queue, envelope, generation);
    match due {
        Some(due) => message.header(NOT_BEFORE, due.as_microsecond()),
        None => message,
    }
}

/// How long until then, if it is not over.
pub(super) fn left(due: Timestamp) -> Option<std::time::Duration> {
    let left = due.duration_since(Timestamp::now());
    std::time::Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

fn message(exchange: &str, queue: &str, envelope: &Envelope, generation: Generation) -> Message {
    // All of its keys are strings, so it cannot fail.
    let body = serde_json::to_vec(envelope).unwrap_or_default();
    let message = Message::new(exchange, queue, body)
        .with_id(&envelope.id.to_string())
        .content_type("application/json");
    generation.mark(message)
}

fn time(delivery: &Delivery, header: &str) -> Option<Timestamp> {
    match delivery.header(header)? {
        Field::Number(micros) => Timestamp::from_microsecond(micros).ok(),
        _ => None,
    }
}
