import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { actor, connect, PortTransport, type PortLike, type ReplyTo } from "@constellation/actors";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

const echo = actor({
  receive: (_state, message: { value: unknown; replyTo: ReplyTo<unknown> }) => message.replyTo.send(message.value),
});

/** Node types the listener of its ports in its own way. */
const asPort = (port: unknown): PortLike => port as PortLike;

function joined() {
  const { port1, port2 } = new MessageChannel();
  const here = realSystem({ name: "here" });
  const there = realSystem({ name: "there" });
  const toThere = connect(here, new PortTransport(asPort(port1)));
  const toHere = connect(there, new PortTransport(asPort(port2)), { spawnable: { echo } });
  return { port1, port2, toThere, toHere };
}

checkLeaks();
describe("a message port", () => {
  it("joins two systems as a browser would", async () => {
    const { toThere, toHere } = joined();
    const ref = await toThere.spawn<{ value: unknown; replyTo: ReplyTo<unknown> }>("echo");
    const value = new Map([["when", new Set([new Date(5)])]]);
    expect(await ref.ask((replyTo) => ({ value, replyTo }))).toEqual(value);
    toThere.close();
    toThere.close();
    expect((await toHere.closed)?.message).toContain("closed the connection");
  });

  it("ends with an error on garbage", async () => {
    const { port1, toHere, toThere } = joined();
    await toThere.ready;
    port1.postMessage({ not: "packets" });
    expect((await toHere.closed)?.message).toContain("wanted a list");
    await toThere.closed;
  });
});
