// comedy 2: in-memory actors with methods as handlers.
import comedy from "comedy";

const quiet = { log: { level: "error" }, test: true };

export async function counting(messages, done) {
  const system = comedy.createSystem(quiet);
  const root = await system.rootActor();
  let count = 0;
  const counter = await root.createChild({
    add: () => {
      if ((count += 1) === messages) done(() => system.destroy());
    },
  });
  for (let index = 0; index < messages; index += 1) void counter.send("add");
}

export async function spawning(count) {
  const system = comedy.createSystem(quiet);
  const root = await system.rootActor();
  for (let index = 0; index < count; index += 1) await root.createChild({ get: () => 1 });
}

export async function asking(count) {
  const system = comedy.createSystem(quiet);
  const root = await system.rootActor();
  const echo = await root.createChild({ get: () => 1 });
  for (let index = 0; index < count; index += 1) await echo.sendAndReceive("get");
  await system.destroy();
}

/** A kind of actor for the cases that all runtimes share. */
export const actor = (definition) => definition;

export function open() {
  const runtime = comedy.createSystem(quiet);
  const root = runtime.rootActor();
  const system = { runtime, handled: 0, spawn };
  return system;

  function spawn({ onStart, receive }, { args } = {}) {
    // A child is there later than its first messages.
    let child = null;
    const early = [];
    const ref = { send: (message) => (child === null ? early.push(message) : void child.send("take", message)) };
    const context = { self: ref, stop: () => void child.destroy() };
    let state = onStart?.(args, context);
    const take = (message) => {
      system.handled += 1;
      const next = receive(state, message, context);
      if (next !== undefined) state = next;
    };
    void begin(take);
    return ref;

    async function begin(handler) {
      child = await (await root).createChild({ take: handler });
      for (const message of early) void child.send("take", message);
    }
  }
}

export const counts = ({ handled }) => ({ handled, dropped: 0 });
export const close = ({ runtime }) => runtime.destroy();
