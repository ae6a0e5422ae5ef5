use crate::server::Error;
use serde_json::{Value, json};

/// A queue as it is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum` or `stream`.
    pub kind: String,
    /// Messages that wait for a consumer.
    pub ready: u64,
    /// Messages that a consumer has and has not settled.
    pub unacknowledged: u64,
    /// Consumers.
    pub consumers: u64,
}

impl Queue {
    /// All messages, waiting and delivered.
    pub fn depth(&self) -> u64 {
        self.ready + self.unacknowledged
    }

    /// Erlang that has a line for each queue of a list. A quorum queue's own figures are asked of its state: those
    /// that it reports are old.
    pub(super) fn lines(list: &str) -> String {
        format!(
            "Ask = fun(Q, Query) -> {{ok, {{_, N}}, _}} = ra:leader_query(amqqueue:get_pid(Q), Query), N end,
            Counts = fun
                (rabbit_quorum_queue, Q) ->
                    {{Ask(Q, fun rabbit_fifo:query_messages_ready/1),
                     Ask(Q, fun rabbit_fifo:query_messages_checked_out/1)}};
                (rabbit_classic_queue, Q) ->
                    Info = rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged]),
                    {{proplists:get_value(messages_ready, Info),
                     proplists:get_value(messages_unacknowledged, Info)}};
                (_, Q) ->
                    [{{messages, N}}] = rabbit_amqqueue:info(Q, [messages]), {{N, 0}}
            end,
            Line = fun(Q) ->
                {{resource, _, queue, Name}} = amqqueue:get_name(Q),
                Type = amqqueue:get_type(Q),
                {{Ready, Unacknowledged}} = Counts(Type, Q),
                Consumers = length(rabbit_amqqueue:consumers(Q)),
                io_lib:format(\"~s ~s ~b ~b ~b~n\",
                    [binary:encode_hex(Name), Type, Ready, Unacknowledged, Consumers])
            end,
            [Line(Q) || Q <- {list}]."
        )
    }

    pub(super) fn from_line(line: &str) -> Result<Self, Error> {
        Self::parsed(line).ok_or_else(|| Error::Refused {
            server: "RabbitMQ",
            what: "describe a queue",
            answer: line.to_owned(),
        })
    }

    fn parsed(line: &str) -> Option<Self> {
        // A queue may be called nothing at all, so its field is one also when it is empty.
        let mut fields = line.split(' ');
        let name = from_hex(fields.next()?)?;
        let kind = fields.next()?.trim_start_matches("rabbit_").trim_end_matches("_queue").to_owned();
        let mut number = || fields.next()?.parse().ok();
        Some(Self { name, kind, ready: number()?, unacknowledged: number()?, consumers: number()? })
    }
}

/// The policy of queues that hold about so many messages and refuse further ones.
pub(super) fn limit(most: u64) -> Value {
    json!({ "max-length": most, "overflow": "reject-publish" })
}

fn from_hex(hex: &str) -> Option<String> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn a_line_becomes_a_queue_whatever_its_name() {
        let queue = Queue::from_line("612062 rabbit_quorum_queue 3 2 1").expect("it is one");
        assert_eq!((queue.name.as_str(), queue.kind.as_str()), ("a b", "quorum"));
        assert_eq!((queue.depth(), queue.consumers), (5, 1));
        assert!(Queue::from_line(" rabbit_classic_queue 0 0 0").is_ok());
        assert!(Queue::from_line("61 rabbit_classic_queue 0").is_err());
    }
}
