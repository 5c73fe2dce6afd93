// The micro cases of the Savina actor benchmark suite (Imam and Sarkar, AGERE 2014), with the sizes in sizes.js.
import { runCase } from "./case.js";
import { actor } from "./runtime.js";
import { sizes, turn } from "./sizes.js";

/** Two actors send a number back and forth until it is 0. */
export function pingPong() {
  const { messages } = sizes.pingPong;
  return runCase(messages + 1, (system, done) => {
    const player = actor({
      receive(_state, { left, from }, context) {
        if (left === 0) done();
        else from.send({ left: left - 1, from: context.self });
      },
    });
    system.spawn(player).send({ left: messages, from: system.spawn(player) });
  });
}

/** One actor sends a million increments to another, then asks for the sum. */
export function counting() {
  const { messages } = sizes.counting;
  return runCase(messages + messages / turn + 3, (system, done) => {
    const counter = system.spawn(
      actor({
        onStart: () => 0,
        receive(count, message) {
          if (message === 1) return count + 1;
          message.send(count);
          return undefined;
        },
      }),
    );
    const producer = system.spawn(
      actor({
        onStart: () => ({ left: messages }),
        receive(state, message, context) {
          if (message === messages) done();
          else if (state.left === 0) counter.send(context.self);
          else {
            for (let index = 0; index < turn; index += 1) counter.send(1);
            state.left -= turn;
            context.self.send("go on");
          }
        },
      }),
    );
    producer.send("go on");
  });
}

/** Makes actors that handle one message each and end. */
export function forkJoinCreate() {
  const { actors } = sizes.forkJoinCreate;
  return runCase(actors + actors / turn, (system, done) => {
    let left = actors;
    const worker = actor({
      receive(_state, _message, context) {
        context.stop();
        if ((left -= 1) === 0) done();
      },
    });
    const factory = system.spawn(
      actor({
        onStart: () => ({ left: actors }),
        receive(state, _message, context) {
          for (let index = 0; index < turn; index += 1) system.spawn(worker).send(index);
          if ((state.left -= turn) > 0) context.self.send("go on");
        },
      }),
    );
    factory.send("go on");
  });
}

/** Sends many messages to each of a few actors. */
export function forkJoinThroughput() {
  const { actors, messages } = sizes.forkJoinThroughput;
  const rounds = 10;
  return runCase(actors * messages + messages / rounds, (system, done) => {
    let left = actors;
    const worker = actor({
      onStart: () => ({ count: 0 }),
      receive(state) {
        state.count += 1;
        if (state.count === messages && (left -= 1) === 0) done();
      },
    });
    const workers = Array.from({ length: actors }, () => system.spawn(worker));
    const sender = system.spawn(
      actor({
        onStart: () => ({ sent: 0 }),
        receive(state, _message, context) {
          for (let round = 0; round < rounds; round += 1) for (const ref of workers) ref.send(round);
          if ((state.sent += rounds) < messages) context.self.send("go on");
        },
      }),
    );
    sender.send("go on");
  });
}

/** A token goes round a ring of actors. */
export function threadRing() {
  const { actors, hops } = sizes.threadRing;
  return runCase(hops + 1 + actors, (system, done) => {
    const node = actor({
      onStart: () => ({ next: null }),
      receive(state, message) {
        if (typeof message !== "number") state.next = message;
        else if (message === 0) done();
        else state.next.send(message - 1);
      },
    });
    const ring = Array.from({ length: actors }, () => system.spawn(node));
    for (const [index, ref] of ring.entries()) ref.send(ring[(index + 1) % actors]);
    ring[0].send(hops);
  });
}

/** Creatures ask a mall for a partner, and change colour when they meet. */
export function chameneos() {
  const { creatures, meetings } = sizes.chameneos;
  // Each meeting: two requests, one introduction, one answer; at the end each creature asks once more and is told.
  return runCase(meetings * 4 + creatures * 3, (system, done) => {
    let met = 0;
    let ended = 0;
    const creature = actor({
      onStart: ({ mall, colour }) => ({ mall, colour, meetings: 0 }),
      receive(state, message, context) {
        switch (message.type) {
          case "start":
            state.mall.send({ type: "meet", from: context.self, colour: state.colour });
            return;
          case "partner": {
            state.colour = complement(state.colour, message.colour);
            state.meetings += 1;
            message.from.send({ type: "change", colour: state.colour });
            state.mall.send({ type: "meet", from: context.self, colour: state.colour });
            return;
          }
          case "change":
            state.colour = message.colour;
            state.meetings += 1;
            state.mall.send({ type: "meet", from: context.self, colour: state.colour });
            return;
          default:
            met += state.meetings;
            if ((ended += 1) === creatures) {
              if (met !== meetings * 2) throw new Error(`expected ${meetings * 2} creatures met, found ${met}`);
              done();
            }
        }
      },
    });
    const mall = system.spawn(
      actor({
        onStart: () => ({ waiting: null, left: meetings }),
        receive(state, message) {
          if (state.left === 0) message.from.send({ type: "stop" });
          else if (state.waiting === null) state.waiting = message;
          else {
            const first = state.waiting;
            state.waiting = null;
            state.left -= 1;
            first.from.send({ type: "partner", from: message.from, colour: message.colour });
          }
        },
      }),
    );
    const all = Array.from({ length: creatures }, (_, index) =>
      system.spawn(creature, { args: { mall, colour: index % 3 } }),
    );
    for (const ref of all) ref.send({ type: "start" });
  });
}

const complement = (mine, other) => (mine === other ? mine : 3 - mine - other);

/** Every actor pings a random other one and waits for its pong, many times. */
export function big() {
  const { actors, pings } = sizes.big;
  return runCase(actors * pings * 2 + actors, (system, done) => {
    let left = actors;
    const all = [];
    const node = actor({
      onStart: (seed) => ({ seed, sent: 0 }),
      receive(state, message, context) {
        if (message.type === "ping") {
          message.from.send({ type: "pong", from: context.self });
          return;
        }
        if (state.sent === pings) {
          if ((left -= 1) === 0) done();
          return;
        }
        state.sent += 1;
        state.seed = (Math.imul(state.seed, 1103515245) + 12345) & 0x7fffffff;
        all[state.seed % actors].send({ type: "ping", from: context.self });
      },
    });
    for (let index = 0; index < actors; index += 1) all.push(system.spawn(node, { args: index + 1 }));
    for (const ref of all) ref.send({ type: "pong", from: null });
  });
}
