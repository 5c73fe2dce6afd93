%% Plays supervision scenarios on the real supervisor and writes down what happened, one line per step.
-module(otp_oracle).
-behaviour(gen_server).
-export([main/2, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, start_worker/1, start_supervisor/1,
         start_supervisor/2]).

main(In, Out) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    {ok, Scenarios} = file:consult(In),
    {ok, File} = file:open(Out, [write, {delayed_write, 65536, 1000}]),
    lists:foreach(fun(Scenario) -> play(Scenario, File) end, Scenarios),
    ok = file:close(File).

%% {Tree, Steps}
play({Tree, Steps}, File) ->
    put(root, none),
    ets:new(plan, [named_table, public, set]),
    ets:new(log, [named_table, public, ordered_set]),
    ets:new(supervisors, [named_table, public, set]),
    ets:insert(plan, {events, 0}),
    play(Steps, Tree, File),
    case whereis(root) of
        undefined -> ok;
        Root -> stop(Root)
    end,
    await_gone(5000),
    [ets:delete(Table) || Table <- [plan, log, supervisors]],
    io:put_chars(File, "end\n").

play([], _Tree, _File) -> ok;
play([Step | Steps], Tree, File) ->
    Result = step(Step, Tree),
    settle(0, -1, 0),
    io:put_chars(File, [Result, "|", events(), "|", snapshot(), "\n"]),
    play(Steps, Tree, File).

step(begin_tree, Tree) ->
    case supervisor:start_link({local, root}, ?MODULE, {supervisor, Tree}) of
        {ok, _} -> "ok";
        {error, {shutdown, {failed_to_start_child, Id, _}}} ->
            receive {'EXIT', _, _} -> ok after 0 -> ok end,
            "start_failed:" ++ text(Id)
    end;
step({plan, Id, Outcome, Times}, _) ->
    ets:insert(plan, {Id, Outcome, Times}),
    "planned";
step({exit, Id, Reason}, _) ->
    case whereis(Id) of
        undefined -> "nobody";
        Pid -> Pid ! {end_with, Reason}, await(Pid), "sent"
    end;
step({kill, Id}, _) ->
    case whereis(Id) of
        undefined -> "nobody";
        Pid -> exit(Pid, kill), await(Pid), "sent"
    end;
step({start, Sup, Spec}, _) -> call(Sup, fun() -> supervisor:start_child(Sup, spec(Spec)) end);
step({start_dynamic, Sup, Args}, _) -> call(Sup, fun() -> supervisor:start_child(Sup, [Args]) end);
step({terminate_dynamic, Sup, Id}, _) ->
    case whereis(Id) of
        undefined -> "nobody";
        Pid -> call(Sup, fun() -> supervisor:terminate_child(Sup, Pid) end)
    end;
step({terminate, Sup, Id}, _) -> call(Sup, fun() -> supervisor:terminate_child(Sup, Id) end);
step({restart, Sup, Id}, _) -> call(Sup, fun() -> supervisor:restart_child(Sup, Id) end);
step({delete, Sup, Id}, _) -> call(Sup, fun() -> supervisor:delete_child(Sup, Id) end).

call(Sup, Call) ->
    case whereis(Sup) of
        undefined -> "nobody";
        _ ->
            try Call() of
                ok -> "ok";
                {ok, undefined} -> "ignored";
                {ok, Pid} when is_pid(Pid) -> "started";
                {error, {already_started, _}} -> "already_started";
                {error, Reason} when is_atom(Reason), Reason =/= planned -> text(Reason);
                {error, _} -> "failed"
            catch exit:_ -> "supervisor_ended"
            end
    end.

await(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, _, _, _} -> ok after 5000 -> exit({stuck, Pid}) end.

stop(Root) ->
    exit(Root, shutdown),
    await(Root),
    receive {'EXIT', Root, _} -> ok after 0 -> ok end.

%% Calls go behind what a supervisor still has to do: after three rounds without news it is at rest.
settle(3, _, _) -> ok;
settle(_, _, 1000) -> exit(never_at_rest);
settle(Quiet, Before, Rounds) ->
    await_orphans(5000),
    Restarting = lists:any(fun({Sup, _}) -> is_restarting(Sup) end, ets:tab2list(supervisors)),
    [{events, Now}] = ets:lookup(plan, events),
    case Restarting orelse Now =/= Before of
        true -> settle(0, Now, Rounds + 1);
        false -> settle(Quiet + 1, Now, Rounds + 1)
    end.

is_restarting(Sup) ->
    try lists:keymember(restarting, 2, supervisor:which_children(Sup)) catch exit:_ -> false end.

events() ->
    Events = [Text || {_, Text} <- ets:tab2list(log)],
    ets:delete_all_objects(log),
    lists:join(";", Events).

snapshot() ->
    Sups = lists:sort([Sup || {Sup, _} <- ets:tab2list(supervisors), whereis(Sup) =/= undefined]),
    case whereis(root) of
        undefined ->
            receive {'EXIT', _, Reason} -> ["down:", reason(Reason)] after 0 -> "none" end;
        _ -> lists:join(" ", [describe(Sup) || Sup <- Sups])
    end.

describe(Sup) ->
    Names = maps:from_list([{whereis(Name), Name} || Name <- registered()]),
    Children = lists:sort([child(Child, Names) || Child <- supervisor:which_children(Sup)]),
    Counts = [integer_to_list(Count) || {_, Count} <- supervisor:count_children(Sup)],
    [text(Sup), "(", lists:join(",", Children), ")", lists:join("/", Counts)].

child({undefined, Pid, _, _}, Names) when is_pid(Pid) -> text(maps:get(Pid, Names)) ++ ":running";
child({Id, Pid, _, _}, _) when is_pid(Pid) -> text(Id) ++ ":running";
child({Id, undefined, _, _}, _) -> text(Id) ++ ":stopped";
child({Id, restarting, _, _}, _) -> text(Id) ++ ":restarting".

note(Text) ->
    Order = ets:update_counter(plan, events, 1),
    ets:insert(log, {Order, Text}).

text(Atom) when is_atom(Atom) -> atom_to_list(Atom);
text(_) -> "other".

reason(normal) -> "normal";
reason(shutdown) -> "shutdown";
reason({shutdown, _}) -> "shutdown+";
reason(killed) -> "killed";
reason(_) -> "error".

%% {Strategy, Restarts, AutoShutdown, Children}
init({supervisor, {Strategy, Restarts, Auto, Children}}) ->
    {registered_name, Name} = process_info(self(), registered_name),
    ets:insert(supervisors, {Name, true}),
    Flags = #{strategy => Strategy, intensity => Restarts, period => 3600, auto_shutdown => Auto},
    {ok, {Flags, [spec(Child) || Child <- Children]}};
init({worker, {Id, Stubborn}}) ->
    process_flag(trap_exit, true),
    case planned(Id) of
        fail -> note(text(Id) ++ "!"), {stop, planned};
        ignore -> note(text(Id) ++ "?"), ignore;
        ok -> note(text(Id) ++ "+"), {ok, {Id, Stubborn}}
    end.

planned(Id) ->
    case ets:lookup(plan, Id) of
        [{Id, Outcome, Times}] when Times > 0 -> ets:insert(plan, {Id, Outcome, Times - 1}), Outcome;
        _ -> ok
    end.

%% {worker, Id, Restart, Shutdown, Significant, Stubborn} | {supervisor, Id, Restart, Shutdown, Significant, Tree}
%% | {dynamic, Restart, Shutdown, Significant, Tree or none}
spec({worker, Id, Restart, Shutdown, Significant, Stubborn}) ->
    #{id => Id, start => {?MODULE, start_worker, [{Id, Stubborn}]}, restart => Restart, shutdown => Shutdown,
      significant => Significant};
spec({supervisor, Id, Restart, Shutdown, Significant, Tree}) ->
    #{id => Id, start => {?MODULE, start_supervisor, [{Id, Tree}]}, restart => Restart, shutdown => Shutdown,
      type => supervisor, significant => Significant};
spec({dynamic, Restart, Shutdown, Significant, none}) ->
    #{id => dynamic, start => {?MODULE, start_worker, []}, restart => Restart, shutdown => Shutdown,
      significant => Significant};
spec({dynamic, Restart, Shutdown, Significant, Tree}) ->
    #{id => dynamic, start => {?MODULE, start_supervisor, [Tree]}, restart => Restart, shutdown => Shutdown,
      type => supervisor, significant => Significant}.

start_worker({Id, Stubborn}) -> gen_server:start_link({local, Id}, ?MODULE, {worker, {Id, Stubborn}}, []).
start_supervisor(Tree, {Id, _}) -> start_supervisor({Id, Tree}).
start_supervisor({Id, Tree}) ->
    %% What a killed supervisor left behind ends by itself, while its replacement wants the same names.
    [await_orphan(Name, 5000) || Name <- names(Tree)],
    supervisor:start_link({local, Id}, ?MODULE, {supervisor, Tree}).

names({_, _, _, Children}) -> lists:flatmap(fun names_of/1, Children).
names_of({worker, Id, _, _, _, _}) -> [Id];
names_of({supervisor, Id, _, _, _, Tree}) -> [Id | names(Tree)];
names_of({dynamic, _, _, _, _}) -> [].

%% Workers and supervisors whose own supervisor is gone: they are about to end.
await_orphans(Left) -> [await_orphan(Name, Left) || Name <- ours()].

await_orphan(Name, 0) -> exit({orphan, Name});
await_orphan(Name, Left) ->
    case is_orphan(whereis(Name)) of
        true -> timer:sleep(1), await_orphan(Name, Left - 1);
        false -> ok
    end.

is_orphan(undefined) -> false;
is_orphan(Pid) ->
    case process_info(Pid, [links, dictionary]) of
        [{links, Links}, {dictionary, Dictionary}] ->
            case proplists:get_value('$ancestors', Dictionary) of
                [Parent | _] when is_atom(Parent) -> not lists:member(whereis(Parent), Links);
                _ -> false
            end;
        undefined -> false
    end.

await_gone(0) -> exit({left_behind, ours()});
await_gone(Left) ->
    case ours() of
        [] -> ok;
        _ -> timer:sleep(1), await_gone(Left - 1)
    end.

%% Names of scenarios: a letter and a number.
ours() -> [Name || Name <- registered(), [_, Digit | _] <- [atom_to_list(Name)], Digit >= $0, Digit =< $9].

handle_call(_, _, State) -> {reply, ok, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info({end_with, error}, State) -> {stop, some_error, State};
handle_info({end_with, shutdown_with}, State) -> {stop, {shutdown, detail}, State};
handle_info({end_with, Reason}, State) -> {stop, Reason, State};
handle_info(_, State) -> {noreply, State}.

terminate(Reason, {Id, Stubborn}) ->
    note(text(Id) ++ "-" ++ reason(Reason)),
    case Stubborn andalso Reason =:= shutdown of
        true -> timer:sleep(infinity);
        false -> ok
    end.
