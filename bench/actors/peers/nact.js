// nact 7: functions as actors, one setImmediate per message.
import { dispatch, query, spawn as nactSpawn, start, stop } from "nact";

export function pingPong(messages, done) {
  const system = start();
  const player = () =>
    nactSpawn(system, (_state, { left, from }, context) => {
      if (left === 0) done(() => stop(system));
      else dispatch(from, { left: left - 1, from: context.self });
    });
  dispatch(player(), { left: messages, from: player() });
}

export function counting(messages, done) {
  const system = start();
  const counter = nactSpawn(system, (count = 0) => {
    if (count + 1 === messages) done(() => stop(system));
    return count + 1;
  });
  for (let index = 0; index < messages; index += 1) dispatch(counter, 1);
}

export function spawning(count) {
  const system = start();
  for (let index = 0; index < count; index += 1) nactSpawn(system, (state) => state, `actor${index}`);
}

export async function asking(count) {
  const system = start();
  const echo = nactSpawn(system, (_state, { replyTo }) => dispatch(replyTo, 1));
  for (let index = 0; index < count; index += 1) await query(echo, (replyTo) => ({ replyTo }), 5000);
  stop(system);
}

/** A kind of actor for the cases that all runtimes share. */
export const actor = (definition) => definition;

export function open() {
  const root = start();
  const system = { root, handled: 0, spawn };
  return system;

  function spawn({ onStart, receive }, { args } = {}) {
    const ref = { send: (message) => dispatch(reference, message) };
    const context = { self: ref, stop: () => stop(reference) };
    const handle = (state, message) => {
      system.handled += 1;
      const next = receive(state, message, context);
      return next === undefined ? state : next;
    };
    const reference = nactSpawn(root, handle, undefined, { initialStateFunc: () => onStart?.(args, context) });
    return ref;
  }
}

export const counts = ({ handled }) => ({ handled, dropped: 0 });
export const close = ({ root }) => stop(root);
