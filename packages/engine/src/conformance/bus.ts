import assert from "node:assert/strict";
import { type Bus, type FlowReceiver, maxBodyBytes, type Message } from "../bus/bus.ts";
import { type EngineErrorCode, isEngineError } from "../error.ts";
import { caseOver, type Opened, randomFrom, type Runner, utf8 } from "./runner.ts";

/** A bus under test; `other` is a second client of the same bus where there is one. */
export interface BusSubject extends Opened {
  readonly bus: Bus;
  readonly other: Bus;
  /** Resolves when subscriptions made before are in force everywhere. */
  readonly settled: () => Promise<void>;
}

type Check = (name: string, run: (subject: BusSubject) => Promise<void>) => void;

/** Registers every case that a bus must pass. */
export function busConformance(runner: Runner, open: () => Promise<BusSubject>): void {
  const check = caseOver(runner, open);
  publishing(check);
  requesting(check);
  flowing(check);
}

function publishing(check: Check): void {
  check("a message reaches each subscriber once, in order", async ({ bus, other, settled }) => {
    const [one, two] = [inbox(), inbox()];
    other.subscribe("a.b", one.take);
    bus.subscribe("a.b", two.take);
    await settled();
    for (let index = 0; index < 100; index += 1) bus.publish("a.b", utf8.of(`${index}`));
    const wanted = Array.from({ length: 100 }, (_, index) => `a.b ${index}`);
    assert.deepEqual(await one.first(100), wanted);
    assert.deepEqual(await two.first(100), wanted);
  });

  check("wildcards match as in NATS", async ({ bus, other, settled }) => {
    const subjects = ["a", "a.b", "a.b.c", "a.c", "b", "b.b"];
    const wanted: Record<string, string[]> = {
      a: ["a"],
      "a.b": ["a.b"],
      "a.*": ["a.b", "a.c"],
      "*.b": ["a.b", "b.b"],
      "a.>": ["a.b", "a.b.c", "a.c"],
      ">": subjects,
      "*": ["a", "b"],
      "a.*.c": ["a.b.c"],
      "*.*.>": ["a.b.c"],
    };
    const boxes = Object.keys(wanted).map((pattern) => {
      const box = inbox();
      other.subscribe(pattern, box.take);
      return { pattern, box };
    });
    await settled();
    for (const subject of subjects) bus.publish(subject, utf8.of("x"));
    for (const { pattern, box } of boxes) {
      const expected = (wanted[pattern] ?? []).map((subject) => `${subject} x`);
      assert.deepEqual(await box.first(expected.length), expected, pattern);
    }
    await settled();
    for (const { pattern, box } of boxes) assert.equal(box.got.length, wanted[pattern]?.length, `${pattern} got more`);
  });

  check("malformed subjects and too large bodies are refused", async ({ bus }) => {
    for (const subject of ["", ".", "a.", "a b", "a.*", ">", "ü", "a\r\nPUB b 0"]) {
      refusedNow(() => bus.publish(subject, utf8.of("x")), "bad-key");
      await refused(bus.request(subject, utf8.of("x"), { timeoutMs: 100, retry: "no" }), "bad-key");
    }
    for (const pattern of ["", "a.", "a.>.b", "a*", "a.b*", ">.a", "a b"]) {
      refusedNow(() => bus.subscribe(pattern, () => undefined), "bad-key");
    }
    refusedNow(() => bus.publish("a", new Uint8Array(maxBodyBytes + 1)), "too-large");
    bus.publish("a", new Uint8Array(maxBodyBytes));
  });

  check("members of a queue group share, others get all", async ({ bus, other, settled }) => {
    const [one, two, all] = [inbox(), inbox(), inbox()];
    bus.subscribe("work.>", one.take, { queue: "g" });
    other.subscribe("work.*", two.take, { queue: "g" });
    other.subscribe("work.a", all.take);
    await settled();
    for (let index = 0; index < 200; index += 1) bus.publish("work.a", utf8.of(`${index}`));
    await all.first(200);
    await settled();
    assert.equal(one.got.length + two.got.length, 200);
    assert.equal(new Set([...one.got, ...two.got]).size, 200);
    assert.ok(one.got.length > 20 && two.got.length > 20, `${one.got.length} and ${two.got.length}`);
  });

  check("a slow subscriber drops beyond its bound, and counts", async ({ bus, settled }) => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const box = inbox();
    const subscription = bus.subscribe("a", async (message) => (await held, box.take(message)), { maxPending: 10 });
    await settled();
    for (let index = 0; index < 50; index += 1) bus.publish("a", utf8.of(`${index}`));
    await settled();
    assert.ok(subscription.pending <= 10);
    assert.ok(subscription.dropped >= 39, `dropped ${subscription.dropped}`);
    release();
    await box.first(50 - subscription.dropped);
    assert.equal(subscription.delivered + subscription.dropped, 50);
  });

  check("a closed or aborted subscription takes nothing more", async ({ bus, settled }) => {
    const [closed, aborted] = [inbox(), inbox()];
    const abort = new AbortController();
    const subscription = bus.subscribe("a", closed.take);
    bus.subscribe("a", aborted.take, { signal: abort.signal });
    bus.subscribe("a", aborted.take, { signal: AbortSignal.abort() }).close();
    await settled();
    subscription.close();
    abort.abort();
    bus.publish("a", utf8.of("x"));
    await settled();
    assert.deepEqual([...closed.got, ...aborted.got], []);
    await refused(bus.request("a", utf8.of("x"), { timeoutMs: 1000, retry: "no" }), "unavailable");
  });

  check("a handler that throws is counted and told, and gets the next message", async ({ bus, settled }) => {
    const box = inbox();
    const errors: unknown[] = [];
    const subscription = bus.subscribe(
      "a",
      (message) => {
        if (utf8.text(message.body) === "bad") throw new Error("no good");
        box.take(message);
      },
      { onError: (error) => errors.push(error) },
    );
    await settled();
    for (const text of ["bad", "good"]) bus.publish("a", utf8.of(text));
    assert.deepEqual(await box.first(1), ["a good"]);
    assert.equal(subscription.failed, 1);
    assert.match(String(errors[0]), /no good/);
  });

  check("the sender may reuse its buffer", async ({ bus, settled }) => {
    const box = inbox();
    bus.subscribe("a", box.take);
    await settled();
    // A Buffer's slice is no copy.
    for (const body of [utf8.of("first"), Buffer.from("first")]) {
      bus.publish("a", body);
      body.fill(0);
    }
    assert.deepEqual(await box.first(2), ["a first", "a first"]);
  });
}

function requesting(check: Check): void {
  check("a request is answered", async ({ bus, other, settled }) => {
    other.subscribe("sum.*", ({ subject, body, respond }) => respond?.(utf8.of(`${subject} ${utf8.text(body)}!`)));
    await settled();
    const answers = await Promise.all(
      ["1", "2", "3"].map((text) => bus.request("sum.x", utf8.of(text), { timeoutMs: 5000, retry: "no" })),
    );
    assert.deepEqual(
      answers.map((answer) => utf8.text(answer)),
      ["sum.x 1!", "sum.x 2!", "sum.x 3!"],
    );
  });

  check("nobody there is unavailable; silence and a failing handler are unknown", async ({ bus, other, settled }) => {
    await refused(bus.request("nobody", utf8.of("x"), { timeoutMs: 2000, retry: "no" }), "unavailable");
    other.subscribe("silent", () => undefined);
    other.subscribe("broken", () => Promise.reject(new Error("broken")));
    await settled();
    await refused(bus.request("silent", utf8.of("x"), { timeoutMs: 50, retry: "no" }), "unknown");
    await refused(bus.request("broken", utf8.of("x"), { timeoutMs: 5000, retry: "no" }), "unknown");
    other.subscribe("wordy", ({ respond }) => respond?.(new Uint8Array(maxBodyBytes + 1)));
    await settled();
    await refused(bus.request("wordy", utf8.of("x"), { timeoutMs: 5000, retry: "no" }), "unknown");
  });

  check("an idempotent request is tried again, another is not", async ({ bus, other, settled }) => {
    const calls = { once: 0, again: 0 };
    other.subscribe("once", () => void (calls.once += 1));
    other.subscribe("again", ({ respond }) => {
      calls.again += 1;
      if (calls.again === 3) respond?.(utf8.of("third"));
    });
    await settled();
    await refused(bus.request("once", utf8.of("x"), { timeoutMs: 30, retry: "no" }), "unknown");
    const answer = await bus.request("again", utf8.of("x"), { timeoutMs: 100, retry: "idempotent" });
    assert.equal(utf8.text(answer), "third");
    assert.deepEqual(calls, { once: 1, again: 3 });
  });

  check("an aborted request ends with the signal's reason", async ({ bus, other, settled }) => {
    other.subscribe("silent", () => undefined);
    await settled();
    const abort = new AbortController();
    const asked = bus.request("silent", utf8.of("x"), { timeoutMs: 60_000, retry: "no", signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(asked, /enough/);
  });
}

function flowing(check: Check): void {
  check(
    "a flow carries every byte, in order, to a slow receiver, within its window",
    async ({ bus, other, settled }) => {
      const windowBytes = 128 * 1024;
      const chunks = randomChunks(7, 150);
      let sentBytes = 0;
      let takenBytes = 0;
      let ahead = 0;
      const received = receive(other, "files.*", { windowBytes }, async (bytes) => {
        ahead = Math.max(ahead, sentBytes - takenBytes);
        takenBytes += bytes.byteLength;
        if (takenBytes % 7 === 0) await new Promise(setImmediate);
      });
      await settled();
      const sender = await bus.openFlow("files.a");
      for (const chunk of chunks) {
        await sender.write(chunk);
        sentBytes += chunk.byteLength;
      }
      await sender.end();
      assert.deepEqual(Buffer.compare(await received, Buffer.concat(chunks)), 0);
      assert.ok(ahead <= 2 * windowBytes, `${ahead} bytes ahead`);
      await refused(sender.write(utf8.of("late")), "unavailable");
    },
  );

  check("writes that are not waited for keep their order", async ({ bus, other, settled }) => {
    const received = receive(other, "files", {}, async () => undefined);
    await settled();
    const chunks = randomChunks(9, 60);
    const sender = await bus.openFlow("files");
    await Promise.all([...chunks.map((chunk) => sender.write(chunk)), sender.end()]);
    assert.deepEqual(Buffer.compare(await received, Buffer.concat(chunks)), 0);
  });

  check("a flow to nobody is unavailable", async ({ bus }) => {
    await refused(bus.openFlow("nobody"), "unavailable");
  });

  check("a sender that gives up fails its receiver, and the other way round", async ({ bus, other, settled }) => {
    const received = receive(other, "up", {}, async () => undefined);
    received.catch(() => undefined);
    other.acceptFlows("down", async (flow) => {
      for await (const bytes of flow) if (bytes.byteLength > 0) break;
    });
    await settled();
    const up = await bus.openFlow("up");
    await up.write(utf8.of("some"));
    up.abort("out of paper");
    await assert.rejects(received, /out of paper/);
    const down = await bus.openFlow("down");
    await refused(
      (async () => {
        for (;;) await down.write(new Uint8Array(4096));
      })(),
      "unavailable",
    );
  });
}

function receive(
  bus: Bus,
  pattern: string,
  options: { windowBytes?: number },
  each: (bytes: Uint8Array) => Promise<void>,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const take = async (flow: FlowReceiver): Promise<void> => {
      const parts: Uint8Array[] = [];
      for await (const bytes of flow) {
        parts.push(bytes);
        await each(bytes);
      }
      resolve(Buffer.concat(parts));
    };
    bus.acceptFlows(pattern, (flow) => take(flow).catch(reject), options);
  });
}

function randomChunks(seed: number, count: number): Uint8Array[] {
  const random = randomFrom(seed);
  const sizes = [1, 10, 1000, 70_000];
  return Array.from({ length: count }, () => Buffer.alloc(random(sizes[random(4)] ?? 1) + 1, random(256)));
}

function inbox(): { got: string[]; take: (message: Message) => void; first: (count: number) => Promise<string[]> } {
  const got: string[] = [];
  let wake = (): void => undefined;
  return {
    got,
    take({ subject, body }) {
      got.push(`${subject} ${utf8.text(body)}`);
      wake();
    },
    async first(count) {
      while (got.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return got.slice(0, count);
    },
  };
}

function refusedNow(call: () => unknown, code: EngineErrorCode): void {
  assert.throws(call, (error: unknown) => isEngineError(error, code), `wanted a refusal with code ${code}`);
}

async function refused(call: Promise<unknown>, code: EngineErrorCode): Promise<void> {
  await assert.rejects(call, (error: unknown) => isEngineError(error, code), `wanted a refusal with code ${code}`);
}
