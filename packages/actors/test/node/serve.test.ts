import { MessageChannel } from "node:worker_threads";
import { expect, it } from "vitest";
import { actor } from "../../src/actor/actor.ts";
import { serveOn } from "../../src/node/worker-node.ts";
import { connect } from "../../src/remote/connection.ts";
import { PortTransport, type PortLike } from "../../src/remote/port-transport.ts";
import { ActorSystem } from "../../src/system/system.ts";
import type { ReplyTo } from "../../src/vocabulary/actor-ref.ts";

const echo = actor({
  receive: (_state, { text, replyTo }: { text: string; replyTo: ReplyTo<string> }) => replyTo.send(text),
});

it("a served system ends when the other end says goodbye, and lets its port go", async () => {
  const { port1, port2 } = new MessageChannel();
  const { system, connection } = serveOn(port1, { echo }, {});
  const here = new ActorSystem({ name: "parent" });
  const there = connect(here, new PortTransport(port2 as unknown as PortLike));
  expect(await there.ready).toBe("worker");
  const ref = await there.spawn<{ text: string; replyTo: ReplyTo<string> }>("echo");
  expect(await ref.ask<string>((replyTo) => ({ text: "hello", replyTo }))).toBe("hello");
  expect(system.size).toBe(1);
  const gone = new Promise((resolve) => port1.once("close", resolve));
  there.close();
  expect(await connection.closed).toMatchObject({ message: "The other end of parent closed the connection" });
  await gone;
  expect(system.size).toBe(0);
  await here.shutdown();
});
