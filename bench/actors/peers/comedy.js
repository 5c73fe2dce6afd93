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
