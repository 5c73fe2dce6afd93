// nact 7: functions as actors, one setImmediate per message.
import { dispatch, query, spawn, start, stop } from "nact";

export function pingPong(messages, done) {
  const system = start();
  const player = () =>
    spawn(system, (_state, { left, from }, context) => {
      if (left === 0) done(() => stop(system));
      else dispatch(from, { left: left - 1, from: context.self });
    });
  dispatch(player(), { left: messages, from: player() });
}

export function counting(messages, done) {
  const system = start();
  const counter = spawn(system, (count = 0) => {
    if (count + 1 === messages) done(() => stop(system));
    return count + 1;
  });
  for (let index = 0; index < messages; index += 1) dispatch(counter, 1);
}

export function spawning(count) {
  const system = start();
  for (let index = 0; index < count; index += 1) spawn(system, (state) => state, `actor${index}`);
}

export async function asking(count) {
  const system = start();
  const echo = spawn(system, (_state, { replyTo }) => dispatch(replyTo, 1));
  for (let index = 0; index < count; index += 1) await query(echo, (replyTo) => ({ replyTo }), 5000);
  stop(system);
}
