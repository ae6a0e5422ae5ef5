//! What we ask of a broker of ours: each question is Erlang, with names as bytes so that none can break out of it.

use super::broker::Ask;
use super::control::Control;
use super::queue::{Queue, limit};
use crate::server::Error;

impl Ask for Control {
    fn create_vhost(&self, name: &str, password: &str) -> Result<(), Error> {
        let (name, password) = (binary(name), binary(password));
        self.eval(
            "create a virtual host",
            &format!(
                "Name = {name}, Us = <<\"testkit\">>, All = <<\".*\">>,
                ok = rabbit_vhost:add(Name, Us),
                ok = rabbit_auth_backend_internal:add_user(Name, {password}, Us),
                ok = rabbit_auth_backend_internal:set_permissions(Name, Name, All, All, All, Us), \"\"."
            ),
        )
        .map(drop)
    }

    fn delete_vhost(&self, name: &str) -> Result<(), Error> {
        let expressions = format!(
            "Name = {}, Us = <<\"testkit\">>,
            rabbit_vhost:delete(Name, Us), rabbit_auth_backend_internal:delete_user(Name, Us), \"\".",
            binary(name)
        );
        self.eval("delete a virtual host", &expressions).map(drop)
    }

    fn queues(&self, vhost: &str) -> Result<Vec<Queue>, Error> {
        let list = format!("rabbit_amqqueue:list({})", binary(vhost));
        let lines = self.eval("list its queues", &Queue::lines(&list))?;
        lines.lines().map(Queue::from_line).collect()
    }

    fn queue(&self, vhost: &str, queue: &str) -> Result<Option<Queue>, Error> {
        let list = format!("case {} of {{ok, One}} -> [One]; _ -> [] end", lookup(vhost, queue));
        let lines = self.eval("look a queue up", &Queue::lines(&list))?;
        lines.lines().next().map(Queue::from_line).transpose()
    }

    fn delete_queue(&self, vhost: &str, queue: &str) -> Result<bool, Error> {
        let expressions = format!(
            "case {} of
                {{ok, Q}} -> {{ok, _}} = rabbit_amqqueue:delete(Q, false, false, <<\"testkit\">>), \"true\";
                {{error, not_found}} -> \"false\"
            end.",
            lookup(vhost, queue)
        );
        Ok(self.eval("delete a queue", &expressions)? == "true")
    }

    fn limit_queues(&self, vhost: &str, most: u64) -> Result<(), Error> {
        let (vhost, limit) = (binary(vhost), binary(&limit(most).to_string()));
        let expressions = format!(
            "Us = <<\"testkit\">>, Every = <<\".*\">>,
            ok = rabbit_policy:parse_set({vhost}, Us, Every, {limit}, 0, <<\"queues\">>, Us), \"\"."
        );
        self.eval("limit its queues", &expressions).map(drop)
    }

    fn close_connections(&self, vhost: Option<&str>) -> Result<u64, Error> {
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
        let answer = self.eval(what, &expressions)?;
        answer.parse().map_err(|_| Error::Refused { server: "RabbitMQ", what, answer })
    }

    fn memory_alarm(&self, on: bool) -> Result<(), Error> {
        let alarm = "{resource_limit, memory, node()}";
        let change = if on { format!("set_alarm({{{alarm}, []}})") } else { format!("clear_alarm({alarm})") };
        // Asking for the alarms waits until the change is made.
        let expressions = format!("rabbit_alarm:{change}, rabbit_alarm:get_alarms(), \"\".");
        self.eval("change its memory alarm", &expressions).map(drop)
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
