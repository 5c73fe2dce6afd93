%% The same cases on Erlang processes. Prints one line for each run: microseconds of processor time and of wall time,
%% and messages.
-module(savina).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).

main([Name, Runs | Sizes]) ->
    Numbers = [list_to_integer(Size) || Size <- Sizes],
    [measure(list_to_atom(Name), Numbers) || _ <- lists:seq(1, list_to_integer(Runs))],
    halt(0).

measure(Name, Sizes) ->
    Self = self(),
    %% A process of its own, so that each run starts with a fresh heap.
    {Runner, Monitor} = spawn_monitor(fun() ->
        Start = erlang:monotonic_time(nanosecond),
        {Cpu, _} = statistics(runtime),
        Messages = run(Name, Sizes),
        {CpuEnd, _} = statistics(runtime),
        Self ! {took, CpuEnd - Cpu, erlang:monotonic_time(nanosecond) - Start, Messages},
        [exit(Left, kill) || Left <- case get(left) of undefined -> []; All -> All end]
    end),
    receive {'DOWN', Monitor, _, Runner, normal} -> ok; {'DOWN', Monitor, _, Runner, Why} -> exit(Why) end,
    receive {took, CpuMs, Nanos, Messages} -> io:format("~w ~w ~w~n", [CpuMs * 1000, Nanos / 1000, Messages]) end.

step(Seed) -> (Seed * 1103515245 + 12345) band 16#7fffffff.

await(Message) -> receive Message -> ok end.

run(pingPong, [N]) ->
    Main = self(),
    A = spawn(fun() -> player(Main) end),
    B = spawn(fun() -> player(Main) end),
    A ! {N, B},
    await(done),
    [exit(P, kill) || P <- [A, B]],
    N + 1;

run(counting, [N]) ->
    Main = self(),
    Counter = spawn(fun() -> counter(0) end),
    spawn(fun() -> [Counter ! 1 || _ <- lists:seq(1, N)], Counter ! self(), receive N -> Main ! done end end),
    await(done),
    exit(Counter, kill),
    N + 3;

run(forkJoinCreate, [N]) ->
    Main = self(),
    [spawn(fun() -> receive _ -> Main ! one end end) ! I || I <- lists:seq(1, N)],
    [await(one) || _ <- lists:seq(1, N)],
    N;

run(forkJoinThroughput, [Actors, N]) ->
    Main = self(),
    Workers = [spawn(fun() -> worker(N, Main) end) || _ <- lists:seq(1, Actors)],
    [[W ! I || W <- Workers] || I <- lists:seq(1, N)],
    [await(one) || _ <- Workers],
    Actors * N;

run(threadRing, [Actors, Hops]) ->
    Main = self(),
    Ring = [spawn(fun() -> receive Next -> node(Next, Main) end end) || _ <- lists:seq(1, Actors)],
    [P ! Next || {P, Next} <- lists:zip(Ring, tl(Ring) ++ [hd(Ring)])],
    hd(Ring) ! Hops,
    await(done),
    [exit(P, kill) || P <- Ring],
    Hops + 1 + Actors;

run(chameneos, [Creatures, Meetings]) ->
    Main = self(),
    Mall = spawn(fun() -> mall(none, Meetings) end),
    All = [spawn(fun() -> await(start), meet(Mall, C rem 3), creature(Mall, C rem 3, 0, Main) end)
           || C <- lists:seq(0, Creatures - 1)],
    [P ! start || P <- All],
    Meetings2 = lists:sum([receive {met, M} -> M end || _ <- All]),
    Meetings2 = Meetings * 2,
    exit(Mall, kill),
    Meetings * 4 + Creatures * 3;

run(big, [Actors, Pings]) ->
    Main = self(),
    All = [spawn(fun() -> receive {all, T} -> big(T, Actors, Seed, 0, Pings, Main) end end)
           || Seed <- lists:seq(1, Actors)],
    Tuple = list_to_tuple(All),
    [P ! {all, Tuple} || P <- All],
    [P ! pong || P <- All],
    [await(one) || _ <- All],
    [exit(P, kill) || P <- All],
    Actors * Pings * 2 + Actors;

run(dictionary, [Workers, Requests, Percent]) ->
    Main = self(),
    Dictionary = spawn(fun() -> dictionary(#{}) end),
    [spawn(fun() -> client(Dictionary, Seed, Requests, Percent), Main ! one end) || Seed <- lists:seq(1, Workers)],
    [await(one) || _ <- lists:seq(1, Workers)],
    exit(Dictionary, kill),
    Workers * (Requests * 2 + 1);

run(boundedBuffer, [Capacity, Producers, Consumers, Items]) ->
    Main = self(),
    Total = Producers * Items,
    Buffer = spawn(fun() -> buffer(queue:new(), 0, queue:new(), queue:new(), Total, Capacity) end),
    [spawn(fun() -> producer(Buffer, Items) end) || _ <- lists:seq(1, Producers)],
    [spawn(fun() -> consumer(Buffer), Main ! one end) || _ <- lists:seq(1, Consumers)],
    [await(one) || _ <- lists:seq(1, Consumers)],
    exit(Buffer, kill),
    Total * 4 + Producers + Consumers * 3;

run(philosophers, [Count, Rounds]) ->
    Main = self(),
    Arbitrator = spawn(fun() -> arbitrator(list_to_tuple(lists:duplicate(Count, false)), Count) end),
    [spawn(fun() -> philosopher(Arbitrator, Seat, Rounds, 0, Main) end) || Seat <- lists:seq(0, Count - 1)],
    Tries = lists:sum([receive {tries, T} -> T end || _ <- lists:seq(1, Count)]),
    exit(Arbitrator, kill),
    Count + Tries * 2 + Count * Rounds;

run(barber, [Haircuts, Room, Customers]) ->
    Main = self(),
    RoomPid = spawn(fun() -> receive {chair, Chair} -> waiting_room(queue:new(), 0, true, Room, Chair) end end),
    Chair = spawn(fun() -> barber(RoomPid) end),
    RoomPid ! {chair, Chair},
    [spawn(fun() -> customer(RoomPid, Main, 0) end) || _ <- lists:seq(1, Customers)],
    Visits = barber_shop(Haircuts - Customers, Haircuts, RoomPid, Main, 0),
    [exit(P, kill) || P <- [RoomPid, Chair]],
    Visits * 2 + Haircuts * 3;

run(smokers, [Count, Rounds]) ->
    All = list_to_tuple([spawn(fun smoker/0) || _ <- lists:seq(1, Count)]),
    arbiter(All, Count, 7, Rounds),
    [exit(P, kill) || P <- tuple_to_list(All)],
    Rounds * 2 + 1;

run(bank, [Count, Transactions]) ->
    Accounts = list_to_tuple([spawn(fun() -> account(1000) end) || _ <- lists:seq(1, Count)]),
    teller(Accounts, Count, 11, Transactions),
    [await(done) || _ <- lists:seq(1, Transactions)],
    [exit(P, kill) || P <- tuple_to_list(Accounts)],
    Transactions * 4 + 1;

run(spawnIdle, [N]) ->
    put(left, [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)]),
    N;

%% gen_server:call with its monitor and timeout, as ask has.
run(call, [N]) ->
    {ok, Server} = gen_server:start(?MODULE, server, []),
    calls(Server, N),
    gen_server:stop(Server),
    N;

%% From the crash until the child that the supervisor started in its place handles a message.
run(restart, [N]) ->
    logger:set_primary_config(level, none),
    Flags = #{intensity => N + 1, period => 1},
    Child = #{id => child, start => {gen_server, start_link, [?MODULE, {child, self()}, []]}},
    {ok, Supervisor} = supervisor:start_link(?MODULE, {Flags, [Child]}),
    restarts(N),
    unlink(Supervisor),
    exit(Supervisor, shutdown),
    N.

init(server) -> {ok, none};
init({child, Main}) -> self() ! next, {ok, Main};
init(Tree) -> {ok, Tree}.

handle_call(_, _, State) -> {reply, 1, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info(next, Main) -> Main ! {up, self()}, {noreply, Main};
handle_info(crash, State) -> {stop, crashed, State}.

calls(_, 0) -> ok;
calls(Server, N) -> 1 = gen_server:call(Server, get), calls(Server, N - 1).

restarts(0) -> receive {up, _} -> ok end;
restarts(N) -> receive {up, Child} -> Child ! crash, restarts(N - 1) end.

player(Main) ->
    receive
        {0, _} -> Main ! done;
        {N, From} -> From ! {N - 1, self()}, player(Main)
    end.

counter(N) ->
    receive
        1 -> counter(N + 1);
        From -> From ! N
    end.

worker(0, Main) -> Main ! one;
worker(N, Main) -> receive _ -> worker(N - 1, Main) end.

node(Next, Main) ->
    receive
        0 -> Main ! done;
        N -> Next ! N - 1, node(Next, Main)
    end.

meet(Mall, Colour) -> Mall ! {meet, self(), Colour}.

mall(Waiting, 0) ->
    receive {meet, From, _} -> From ! stop, mall(Waiting, 0) end;
mall(Waiting, Left) ->
    receive
        {meet, From, Colour} when Waiting =:= none -> mall({From, Colour}, Left);
        {meet, From, Colour} ->
            {First, _} = Waiting,
            First ! {partner, From, Colour},
            mall(none, Left - 1)
    end.

creature(Mall, Colour, Met, Main) ->
    receive
        {partner, From, Other} ->
            Next = complement(Colour, Other),
            From ! {change, Next},
            meet(Mall, Next),
            creature(Mall, Next, Met + 1, Main);
        {change, Next} ->
            meet(Mall, Next),
            creature(Mall, Next, Met + 1, Main);
        stop -> Main ! {met, Met}
    end.

complement(Same, Same) -> Same;
complement(Mine, Other) -> 3 - Mine - Other.

big(All, Actors, Seed, Sent, Pings, Main) ->
    receive
        {ping, From} -> From ! pong, big(All, Actors, Seed, Sent, Pings, Main);
        pong when Sent =:= Pings -> Main ! one, big(All, Actors, Seed, Sent, Pings, Main);
        pong ->
            Next = step(Seed),
            element(Next rem Actors + 1, All) ! {ping, self()},
            big(All, Actors, Next, Sent + 1, Pings, Main)
    end.

dictionary(Map) ->
    receive
        {From, Key, none} -> From ! maps:get(Key, Map, 0), dictionary(Map);
        {From, Key, Value} -> From ! Value, dictionary(Map#{Key => Value})
    end.

client(_, _, 0, _) -> ok;
client(Dictionary, Seed, Left, Percent) ->
    Next = step(Seed),
    Value = case (Next bsr 9) rem 100 < Percent of true -> Next; false -> none end,
    Dictionary ! {self(), Next rem 512, Value},
    receive _ -> client(Dictionary, Next, Left - 1, Percent) end.

%% Items, how many they are, consumers that wait, producers that wait, items still to hand over.
buffer(Items, Size, Hungry, Blocked, Left, Capacity) ->
    receive
        {take, From} when Left =:= 0 -> From ! none, buffer(Items, Size, Hungry, Blocked, Left, Capacity);
        {take, From} when Size > 0 ->
            {{value, Item}, Rest} = queue:out(Items),
            From ! {item, Item},
            case queue:out(Blocked) of
                {{value, {Producer, Next}}, Blocked2} ->
                    Producer ! go,
                    fed(queue:in(Next, Rest), Size, Hungry, Blocked2, Left - 1, Capacity);
                {empty, _} -> fed(Rest, Size - 1, Hungry, Blocked, Left - 1, Capacity)
            end;
        {take, From} -> buffer(Items, Size, queue:in(From, Hungry), Blocked, Left, Capacity);
        {put, From, Item} ->
            case queue:out(Hungry) of
                {{value, Consumer}, Rest} ->
                    Consumer ! {item, Item},
                    From ! go,
                    fed(Items, Size, Rest, Blocked, Left - 1, Capacity);
                {empty, _} when Size < Capacity ->
                    From ! go,
                    buffer(queue:in(Item, Items), Size + 1, Hungry, Blocked, Left, Capacity);
                {empty, _} -> buffer(Items, Size, Hungry, queue:in({From, Item}, Blocked), Left, Capacity)
            end
    end.

fed(Items, Size, Hungry, Blocked, 0, Capacity) ->
    [From ! none || From <- queue:to_list(Hungry)],
    buffer(Items, Size, queue:new(), Blocked, 0, Capacity);
fed(Items, Size, Hungry, Blocked, Left, Capacity) -> buffer(Items, Size, Hungry, Blocked, Left, Capacity).

producer(_, 0) -> ok;
producer(Buffer, Left) ->
    Buffer ! {put, self(), Left},
    receive go -> producer(Buffer, Left - 1) end.

consumer(Buffer) ->
    Buffer ! {take, self()},
    receive
        {item, _} -> consumer(Buffer);
        none -> ok
    end.

arbitrator(Forks, Count) ->
    receive
        {done, Seat} ->
            arbitrator(setelement(Seat + 1, setelement((Seat + 1) rem Count + 1, Forks, false), false), Count);
        {hungry, Seat, From} ->
            case element(Seat + 1, Forks) orelse element((Seat + 1) rem Count + 1, Forks) of
                true -> From ! denied, arbitrator(Forks, Count);
                false ->
                    From ! eat,
                    arbitrator(setelement(Seat + 1, setelement((Seat + 1) rem Count + 1, Forks, true), true), Count)
            end
    end.

philosopher(_, _, 0, Tries, Main) -> Main ! {tries, Tries};
philosopher(Arbitrator, Seat, Left, Tries, Main) ->
    Arbitrator ! {hungry, Seat, self()},
    receive
        denied -> philosopher(Arbitrator, Seat, Left, Tries + 1, Main);
        eat -> Arbitrator ! {done, Seat}, philosopher(Arbitrator, Seat, Left - 1, Tries + 1, Main)
    end.

barber_shop(_, 0, _, _, Visits) -> Visits;
barber_shop(ToCome, Left, Room, Main, Visits) ->
    receive
        {cut, Count} ->
            case ToCome > 0 of
                true -> spawn(fun() -> customer(Room, Main, 0) end);
                false -> ok
            end,
            barber_shop(ToCome - 1, Left - 1, Room, Main, Visits + Count)
    end.

customer(Room, Main, Visits) ->
    Room ! self(),
    receive
        done -> Main ! {cut, Visits + 1};
        full -> customer(Room, Main, Visits + 1)
    end.

waiting_room(Customers, Size, Asleep, Room, Chair) ->
    receive
        next ->
            case queue:out(Customers) of
                {{value, Customer}, Rest} -> Chair ! Customer, waiting_room(Rest, Size - 1, false, Room, Chair);
                {empty, _} -> waiting_room(Customers, 0, true, Room, Chair)
            end;
        Customer when Size =:= Room -> Customer ! full, waiting_room(Customers, Size, Asleep, Room, Chair);
        Customer when Asleep -> Chair ! Customer, waiting_room(Customers, Size, false, Room, Chair);
        Customer -> waiting_room(queue:in(Customer, Customers), Size + 1, false, Room, Chair)
    end.

barber(Room) ->
    receive Customer -> Customer ! done, Room ! next, barber(Room) end.

smoker() -> receive From -> From ! smoked, smoker() end.

arbiter(_, _, _, 0) -> ok;
arbiter(All, Count, Seed, Left) ->
    Next = step(Seed),
    element(Next rem Count + 1, All) ! self(),
    receive smoked -> arbiter(All, Count, Next, Left - 1) end.

teller(_, _, _, 0) -> ok;
teller(Accounts, Count, Seed, Left) ->
    Next = step(Seed),
    From = Next rem (Count div 10 * 8),
    To = From + 1 + (Next bsr 10) rem (Count - From - 1),
    element(From + 1, Accounts) ! {debit, 1, element(To + 1, Accounts), self()},
    teller(Accounts, Count, Next, Left - 1).

account(Balance) ->
    receive
        {credit, Amount, From} -> From ! credited, account(Balance + Amount);
        {debit, Amount, To, Teller} ->
            To ! {credit, Amount, self()},
            account(waiting(Balance - Amount), Teller)
    end.

account(Balance, Teller) -> Teller ! done, account(Balance).

%% Until the other account has answered, further debits wait in the mailbox.
waiting(Balance) ->
    receive
        credited -> Balance;
        {credit, Amount, From} -> From ! credited, waiting(Balance + Amount)
    end.
