// The concurrency cases of Savina: several actors share something, and the wall time for the same work counts.
import { runCase } from "./case.js";
import { actor } from "./runtime.js";
import { sizes, turn } from "./sizes.js";

const step = (seed) => (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;

/** Workers read and write one dictionary, each waiting for its answer. */
export function dictionary() {
  const { workers, requests, writePercent } = sizes.dictionary;
  return runCase(workers * (requests * 2 + 1), (system, done) => {
    let left = workers;
    const dictionary = system.spawn(
      actor({
        onStart: () => new Map(),
        receive(map, { from, key, value }) {
          if (value !== null) map.set(key, value);
          from.send(value ?? map.get(key) ?? 0);
        },
      }),
    );
    const worker = actor({
      onStart: (seed) => ({ seed, left: requests }),
      receive(state, _message, context) {
        if (state.left === 0) {
          if ((left -= 1) === 0) done();
          return;
        }
        state.left -= 1;
        state.seed = step(state.seed);
        const key = state.seed % 512;
        const writes = (state.seed >> 9) % 100 < writePercent;
        dictionary.send({ from: context.self, key, value: writes ? state.seed : null });
      },
    });
    for (let index = 0; index < workers; index += 1) system.spawn(worker, { args: index + 1 }).send(0);
  });
}

/** Producers and consumers share a bounded buffer, which tells them when to go on. */
export function boundedBuffer() {
  const { capacity, producers, consumers, items } = sizes.boundedBuffer;
  const total = producers * items;
  // A consumer asks once per item and once more in vain; each item is put, acknowledged and handed over.
  return runCase(total * 4 + producers + consumers * 3, (system, done) => {
    let ended = 0;
    const buffer = system.spawn(
      actor({
        onStart: () => ({ items: [], hungry: [], blocked: [], handed: 0 }),
        receive(state, message) {
          if (message.type === "take") {
            if (state.handed === total) message.from.send(null);
            else if (state.items.length > 0) {
              message.from.send(state.items.shift());
              state.handed += 1;
              if (state.blocked.length > 0) accept(state, state.blocked.shift());
              if (state.handed === total) for (const consumer of state.hungry.splice(0)) consumer.send(null);
            } else state.hungry.push(message.from);
          } else if (state.hungry.length > 0) {
            state.hungry.shift().send(message.item);
            state.handed += 1;
            message.from.send("go");
            if (state.handed === total) for (const consumer of state.hungry.splice(0)) consumer.send(null);
          } else if (state.items.length < capacity) accept(state, message);
          else state.blocked.push(message);
        },
      }),
    );
    const accept = (state, message) => {
      state.items.push(message.item);
      message.from.send("go");
    };
    const producer = actor({
      onStart: () => ({ left: items }),
      receive(state, _message, context) {
        if (state.left === 0) return;
        state.left -= 1;
        buffer.send({ type: "put", item: state.left, from: context.self });
      },
    });
    const consumer = actor({
      receive(_state, item, context) {
        if (item === null) {
          if ((ended += 1) === consumers) done();
        } else buffer.send({ type: "take", from: context.self });
      },
    });
    for (let index = 0; index < producers; index += 1) system.spawn(producer).send("go");
    for (let index = 0; index < consumers; index += 1) system.spawn(consumer).send(-1);
  });
}

/** Philosophers ask one arbitrator for both forks, and try again when one is taken. */
export function philosophers() {
  const { philosophers: count, rounds } = sizes.philosophers;
  let messages = 0;
  return runCounted(
    () => messages,
    (system, done) => {
      messages = count;
      let eaten = 0;
      const arbitrator = system.spawn(
        actor({
          onStart: () => Array.from({ length: count }, () => false),
          receive(forks, { from, seat, type }) {
            messages += 1;
            const right = (seat + 1) % count;
            if (type === "done") {
              forks[seat] = forks[right] = false;
              if ((eaten += 1) === count * rounds) done();
            } else if (forks[seat] || forks[right]) from.send("denied");
            else {
              forks[seat] = forks[right] = true;
              from.send("eat");
            }
          },
        }),
      );
      const philosopher = actor({
        onStart: (seat) => ({ seat, left: rounds }),
        receive(state, message, context) {
          if (message !== "start") messages += 1;
          if (message === "eat") {
            state.left -= 1;
            arbitrator.send({ type: "done", seat: state.seat, from: context.self });
            if (state.left === 0) return;
          }
          arbitrator.send({ type: "hungry", seat: state.seat, from: context.self });
        },
      });
      for (let seat = 0; seat < count; seat += 1) system.spawn(philosopher, { args: seat }).send("start");
    },
  );
}

/** Customers come to a barber with a waiting room, and come back when it is full. */
export function barber() {
  const { haircuts, room, customers } = sizes.barber;
  let messages = 0;
  return runCounted(
    () => messages,
    (system, done) => {
      messages = 0;
      let made = 0;
      let cut = 0;
      let freed = 0;
      let seen = 0;
      const look = () => {
        if (cut < haircuts || freed < haircuts) return;
        messages = seen;
        done();
      };
      const waitingRoom = system.spawn(
        actor({
          mailbox: { capacity: 2 ** 21 },
          onStart: () => ({ customers: [], first: 0, isAsleep: true }),
          receive(state, message) {
            seen += 1;
            if (message === "next") {
              freed += 1;
              look();
              if (state.first < state.customers.length) chair.send(state.customers[state.first++]);
              else state.isAsleep = true;
            } else if (state.customers.length - state.first === room) message.send("full");
            else {
              state.customers.push(message);
              if (state.isAsleep) {
                state.isAsleep = false;
                chair.send(state.customers[state.first++]);
              }
            }
          },
        }),
      );
      const chair = system.spawn(
        actor({
          receive(_state, customer) {
            seen += 1;
            customer.send("done");
            waitingRoom.send("next");
          },
        }),
      );
      const customer = actor({
        receive(_state, message, context) {
          seen += 1;
          if (message === "done") {
            context.stop();
            if (made < haircuts) enter();
            cut += 1;
            look();
          } else waitingRoom.send(context.self);
        },
      });
      // So many are about at a time: whoever leaves makes room for the next one to come.
      const enter = () => {
        made += 1;
        system.spawn(customer).send("go");
      };
      for (let index = 0; index < customers; index += 1) enter();
    },
  );
}

/** An arbiter lets one random smoker at a time smoke. */
export function smokers() {
  const { smokers: count, rounds } = sizes.smokers;
  return runCase(rounds * 2 + 1, (system, done) => {
    const smoker = actor({ receive: (_state, arbiter) => void arbiter.send("smoked") });
    const all = Array.from({ length: count }, () => system.spawn(smoker));
    const arbiter = system.spawn(
      actor({
        onStart: () => ({ seed: 7, left: rounds }),
        receive(state, _message, context) {
          if (state.left === 0) {
            done();
            return;
          }
          state.left -= 1;
          state.seed = step(state.seed);
          all[state.seed % count].send(context.self);
        },
      }),
    );
    arbiter.send("start");
  });
}

/** A teller moves money between accounts; an account waits for the other one's answer before its next transaction. */
export function bank() {
  const { accounts: count, transactions } = sizes.bank;
  return runCase(transactions * 4 + transactions / turn, (system, done) => {
    let left = transactions;
    const account = actor({
      onStart: () => ({ balance: 1000, teller: null }),
      receive(state, message, context) {
        switch (message.type) {
          case "debit":
            // Busy with another one: this message comes back when that is done.
            if (state.teller !== null) {
              state.deferred ??= [];
              state.deferred.push(message);
              return;
            }
            start(state, message, context.self);
            return;
          case "credit":
            state.balance += message.amount;
            message.from.send({ type: "credited" });
            return;
          default: {
            state.teller.send("done");
            state.teller = null;
            const next = state.deferred?.shift();
            if (next !== undefined) start(state, next, context.self);
          }
        }
      },
    });
    const start = (state, { amount, to, teller }, self) => {
      state.teller = teller;
      state.balance -= amount;
      to.send({ type: "credit", amount, from: self });
    };
    const all = Array.from({ length: count }, () => system.spawn(account));
    const teller = system.spawn(
      actor({
        onStart: () => ({ seed: 11, left: transactions }),
        receive(state, message, context) {
          if (message === "done") {
            if ((left -= 1) === 0) done();
            return;
          }
          for (let index = 0; index < turn; index += 1) {
            const seed = (state.seed = step(state.seed));
            const from = seed % Math.floor((count / 10) * 8);
            const to = from + 1 + ((seed >> 10) % (count - from - 1));
            all[from].send({ type: "debit", amount: 1, to: all[to], teller: context.self });
          }
          if ((state.left -= turn) > 0) context.self.send("go on");
        },
      }),
    );
    teller.send("go on");
  });
}

/** For cases whose number of messages depends on chance: what the actors counted must be what the runtime counted. */
async function runCounted(count, body) {
  let expected = 0;
  const result = await runCase({ valueOf: () => expected }, (system, done) =>
    body(system, () => {
      expected = count();
      done();
    }),
  );
  return { ...result, messages: expected };
}
