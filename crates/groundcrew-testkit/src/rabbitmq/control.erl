%% Runs inside the broker: a socket for those who know the token. Each frame is an expression, its answer is text.
spawn(fun() ->
    Token = list_to_binary(os:getenv("TESTKIT_TOKEN")),
    {ok, Listener} = gen_tcp:listen(list_to_integer(os:getenv("TESTKIT_PORT")),
        [binary, {packet, 4}, {active, false}, {ip, {127, 0, 0, 1}}, {reuseaddr, true}, {backlog, 128}]),
    Run = fun(Text) ->
        try
            {ok, Tokens, _} = erl_scan:string(binary_to_list(Text)),
            {ok, Expressions} = erl_parse:parse_exprs(Tokens),
            {value, Value, _} = erl_eval:exprs(Expressions, []),
            ["+", Value]
        catch Class:Reason -> ["-", io_lib:format("~0p: ~0p", [Class, Reason])]
        end
    end,
    Answer = fun Again(Socket) ->
        case gen_tcp:recv(Socket, 0) of
            {ok, Text} -> gen_tcp:send(Socket, Run(Text)), Again(Socket);
            {error, _} -> closed
        end
    end,
    Serve = fun(Socket) ->
        receive yours -> ok end,
        case gen_tcp:recv(Socket, 0, 10000) of
            {ok, Token} -> Answer(Socket);
            _ -> gen_tcp:close(Socket)
        end
    end,
    Accept = fun Again() ->
        {ok, Socket} = gen_tcp:accept(Listener),
        Server = spawn(fun() -> Serve(Socket) end),
        ok = gen_tcp:controlling_process(Socket, Server),
        Server ! yours,
        Again()
    end,
    Accept()
end).
