//! What we ask of a broker: each question is Erlang, with names as bytes so that none can break out of it.

use super::control::Control;
use super::queue::Queue;
use crate::server::{Error, given};

/// A broker that can be asked, ours or not.
#[derive(Debug, Clone)]
pub(super) struct Broker(Control);

impl Broker {
    pub(super) fn ours(control: Control) -> Self {
        Self(control)
    }

    pub(super) fn given(variable: &'static str) -> Result<Self, Error> {
        let problem = "it must be set as well as TEST_RABBITMQ_URL, to what RabbitMq::environment says";
        let control = given(variable).and_then(|value| Control::from_variable(&value));
        control.map(Self).ok_or(Error::Given { variable, problem })
    }

    pub(super) fn to_variable(&self) -> String {
        self.0.to_variable()
    }

    /// The virtual host and its user have the same name.
    pub(super) async fn create_vhost(&self, name: &str, password: &str) -> Result<(), Error> {
        let (name, password) = (binary(name), binary(password));
        self.eval(
            "create a virtual host",
            format!(
                "Name = {name}, Us = <<\"testkit\">>, All = <<\".*\">>,
                ok = rabbit_vhost:add(Name, Us),
                ok = rabbit_auth_backend_internal:add_user(Name, {password}, Us),
                ok = rabbit_auth_backend_internal:set_permissions(Name, Name, All, All, All, Us), \"\"."
            ),
        )
        .await
        .map(drop)
    }

    /// Blocks: a `Drop` calls it.
    pub(super) fn delete_vhost(&self, name: &str) -> Result<(), Error> {
        let expressions = format!(
            "Name = {}, Us = <<\"testkit\">>,
            rabbit_vhost:delete(Name, Us), rabbit_auth_backend_internal:delete_user(Name, Us), \"\".",
            binary(name)
        );
        self.0.eval("delete a virtual host", &expressions).map(drop)
    }

    pub(super) async fn queues(&self, vhost: &str) -> Result<Vec<Queue>, Error> {
        let list = format!("rabbit_amqqueue:list({})", binary(vhost));
        let lines = self.eval("list its queues", Queue::lines(&list)).await?;
        lines.lines().map(Queue::from_line).collect()
    }

    pub(super) async fn queue(&self, vhost: &str, queue: &str) -> Result<Option<Queue>, Error> {
        let list = format!("case {} of {{ok, One}} -> [One]; _ -> [] end", lookup(vhost, queue));
        let lines = self.eval("look a queue up", Queue::lines(&list)).await?;
        lines.lines().next().map(Queue::from_line).transpose()
    }

    pub(super) async fn delete_queue(&self, vhost: &str, queue: &str) -> Result<bool, Error> {
        let expressions = format!(
            "case {} of
                {{ok, Q}} -> {{ok, _}} = rabbit_amqqueue:delete(Q, false, false, <<\"testkit\">>), \"true\";
                {{error, not_found}} -> \"false\"
            end.",
            lookup(vhost, queue)
        );
        Ok(self.eval("delete a queue", expressions).await? == "true")
    }

    /// Those of one virtual host, or all.
    pub(super) async fn close_connections(&self, vhost: Option<&str>) -> Result<u64, Error> {
        let wanted = vhost.map_or_else(|| "_".to_owned(), binary);
        let expressions = format!(
            "Wanted = fun(Pid) -> try rabbit_networking:connection_info(Pid, [vhost]) of
                [{{vhost, {wanted}}}] -> true;
                _ -> false
            catch _:_ -> false end end,
            Pids = lists:filter(Wanted, rabbit_networking:connections()),
            [catch rabbit_networking:close_connection(Pid, \"closed by a test\") || Pid <- Pids],
            integer_to_list(length(Pids))."
        );
        let what = "close connections";
        let answer = self.eval(what, expressions).await?;
        answer.parse().map_err(|_| Error::Refused { server: "RabbitMQ", what, answer })
    }

    pub(super) async fn memory_alarm(&self, on: bool) -> Result<(), Error> {
        let alarm = "{resource_limit, memory, node()}";
        let change = if on { format!("set_alarm({{{alarm}, []}})") } else { format!("clear_alarm({alarm})") };
        // Asking for the alarms waits until the change is made.
        let expressions = format!("rabbit_alarm:{change}, rabbit_alarm:get_alarms(), \"\".");
        self.eval("change its memory alarm", expressions).await.map(drop)
    }

    async fn eval(&self, what: &'static str, expressions: String) -> Result<String, Error> {
        let control = self.0.clone();
        let asked = tokio::task::spawn_blocking(move || control.eval(what, &expressions)).await;
        asked.unwrap_or_else(|error| Err(Error::System { what, cause: std::io::Error::other(error) }))
    }
}

fn lookup(vhost: &str, queue: &str) -> String {
    format!("rabbit_amqqueue:lookup(rabbit_misc:r({}, queue, {}))", binary(vhost), binary(queue))
}

/// `<<97,98>>` for `ab`.
fn binary(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    format!("<<{}>>", bytes.join(","))
}

#[cfg(test)]
mod tests {
    use super::binary;

    #[test]
    fn a_name_cannot_break_out_of_its_expression() {
        assert_eq!(binary("a\">>é"), "<<97,34,62,62,195,169>>");
        assert_eq!(binary(""), "<<>>");
    }
}
