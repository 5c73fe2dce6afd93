// xstate 5: transition functions as actors; a message is handled on its sender's stack unless that one is busy.
import { createActor, fromTransition } from "xstate";

export function pingPong(messages, done) {
  const other = new Map();
  const player = fromTransition((state, event, { self }) => {
    if (event.left === 0) done(() => {});
    else other.get(self).send({ type: "ball", left: event.left - 1 });
    return state;
  }, null);
  // Each would call the other deeper and deeper: a microtask between them keeps the stack flat.
  const make = () => {
    const actor = createActor(player).start();
    return { actor, send: (event) => queueMicrotask(() => actor.send(event)) };
  };
  const [a, b] = [make(), make()];
  other.set(a.actor, b).set(b.actor, a);
  a.send({ type: "ball", left: messages });
}

export function counting(messages, done) {
  const counter = createActor(
    fromTransition((count) => {
      if (count + 1 === messages) done(() => {});
      return count + 1;
    }, 0),
  ).start();
  for (let index = 0; index < messages; index += 1) counter.send({ type: "add" });
}

export function spawning(count) {
  const logic = fromTransition((state) => state, { count: 0 });
  const all = [];
  for (let index = 0; index < count; index += 1) all.push(createActor(logic).start());
  if (all.length !== count) throw new Error("not all were started");
}

/** A kind of actor for the cases that all runtimes share. */
export const actor = (definition) => definition;

export function open() {
  const system = { handled: 0, spawn };
  return system;

  function spawn({ onStart, receive }, { args } = {}) {
    // Always by a microtask, as above: an order of messages that holds, and a flat stack.
    const ref = { send: (message) => queueMicrotask(() => logic.send({ type: "message", message })) };
    const context = { self: ref, stop: () => queueMicrotask(() => logic.stop()) };
    const transition = (state, { type, message }) => {
      // It hears of its own stop, too.
      if (type !== "message") return state;
      system.handled += 1;
      const next = receive(state, message, context);
      return next === undefined ? state : next;
    };
    const logic = createActor(fromTransition(transition, onStart?.(args, context))).start();
    return ref;
  }
}

export const counts = ({ handled }) => ({ handled, dropped: 0 });
export const close = () => undefined;
