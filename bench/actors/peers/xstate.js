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
