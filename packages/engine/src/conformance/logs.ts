import assert from "node:assert/strict";
import { type EngineErrorCode, isEngineError } from "../error.ts";
import type { LogCursor, LogEntry, LogFollow, LogQuery, LogStore } from "../logs/log-store.ts";
import { caseOver, type Opened, randomFrom, type Runner } from "./runner.ts";

/** A log store under test. */
export interface LogSubject extends Opened {
  readonly store: LogStore;
  /** The store's present time, Unix milliseconds. */
  readonly nowMs: () => number;
  /** Lets time pass. */
  readonly passMs: (ms: number) => Promise<void>;
}

/** Registers every case that a log store must pass; the store must keep at least 1 MB of each instance. */
export function logConformance(runner: Runner, open: () => Promise<LogSubject>): void {
  const check = caseOver(runner, open);
  querying(check);
  following(check);
  keeping(check);
}

type Check = (name: string, run: (subject: LogSubject) => Promise<void>) => void;

function querying(check: Check): void {
  check("lines come back in order, with their stream, split at line ends", async ({ store }) => {
    await store.append("web.1", [
      { stream: "stdout", text: "one" },
      { stream: "stderr", text: "two\nthree" },
    ]);
    await store.append("web.1", [
      { stream: "stdout", text: "" },
      { stream: "stdout", text: "äöü \u0001 \r end" },
    ]);
    assert.deepEqual(await all(store, {}), [
      "web.1 one",
      "web.1 two",
      "web.1 three",
      "web.1 ",
      "web.1 äöü \u0001 \r end",
    ]);
    assert.deepEqual(await all(store, { stream: "stderr" }), ["web.1 two", "web.1 three"]);
  });

  check("a store without logs answers with nothing", async ({ store }) => {
    assert.deepEqual(await all(store, {}), []);
    assert.deepEqual(await all(store, { instances: ["web.1"], tail: 5 }), []);
    assert.deepEqual(await store.instances(), []);
  });

  check("instances are chosen by name, or by what they are under", async ({ store }) => {
    for (const instance of ["web.1", "web.2", "webby.1", "api"]) await say(store, instance, "x");
    assert.deepEqual(await store.instances(), ["api", "web.1", "web.2", "webby.1"]);
    assert.deepEqual(await all(store, { under: "web" }), ["web.1 x", "web.2 x"]);
    assert.deepEqual(await all(store, { instances: ["api", "web.2", "none"] }), ["api x", "web.2 x"].sort());
  });

  check("several instances are merged by time", async ({ store, passMs }) => {
    for (let index = 0; index < 30; index += 1) {
      await say(store, `web.${index % 3}`, `${index}`);
      await passMs(2);
    }
    const wanted = Array.from({ length: 30 }, (_, index) => `web.${index % 3} ${index}`);
    assert.deepEqual(await all(store, {}), wanted);
    assert.deepEqual(await all(store, { tail: 7 }), wanted.slice(-7));
    assert.deepEqual(await all(store, { limit: 7 }), wanted.slice(0, 7));
    assert.deepEqual(await all(store, { tail: 0 }), []);
    assert.deepEqual(await all(store, { limit: 0 }), []);
  });

  check("a time range is inclusive, and combines with tail and limit", async ({ store, nowMs, passMs }) => {
    const times: number[] = [];
    for (let index = 0; index < 50; index += 1) {
      await passMs(10);
      times.push(nowMs());
      await say(store, "a", `${index}`);
    }
    const range = { sinceMs: times[10] ?? 0, untilMs: times[19] ?? 0 };
    const wanted = Array.from({ length: 10 }, (_, index) => `a ${index + 10}`);
    assert.deepEqual(await all(store, range), wanted);
    assert.deepEqual(await all(store, { ...range, tail: 3 }), wanted.slice(-3));
    assert.deepEqual(await all(store, { ...range, limit: 3 }), wanted.slice(0, 3));
    assert.deepEqual(await all(store, { untilMs: range.untilMs, tail: 4 }), wanted.slice(-4));
    assert.deepEqual(await all(store, { sinceMs: (times[49] ?? 0) + 1 }), []);
    assert.deepEqual(await all(store, { untilMs: (times[0] ?? 0) - 1 }), []);
  });

  check("long lines come back whole", async ({ store }) => {
    const long = "0123456789".repeat(10_000);
    await store.append("a", [
      { stream: "stdout", text: long },
      { stream: "stderr", text: "short" },
    ]);
    const lines = await all(store, {});
    assert.deepEqual(
      lines.map((line) => line.length).sort((a, b) => a - b),
      ["a short".length, long.length + 2],
    );
  });

  check("malformed names and bounds are refused", async ({ store }) => {
    for (const name of ["", "..", "a/b", "a b", "../../etc"]) {
      await refused(store.append(name, []), "bad-key");
      await refused((async () => store.query({ instances: [name] }))(), "bad-key");
      await refused((async () => store.follow({ instances: [name] }))(), "bad-key");
      await refused(store.remove(name), "bad-key");
    }
    assert.throws(() => store.query({ tail: 1, limit: 1 }), RangeError);
    assert.throws(() => store.query({ tail: -1 }), RangeError);
    assert.throws(() => store.follow({ from: { tail: 0.5 } }), RangeError);
  });

  check("random queries agree with a plain list", async ({ store, nowMs, passMs }) => {
    const random = randomFrom(3);
    const lines: { instance: string; stream: "stdout" | "stderr"; text: string; atMs: number }[] = [];
    for (let index = 0; index < 400; index += 1) {
      if (random(3) > 0) await passMs(1 + random(5));
      const line = {
        instance: `i.${random(3)}`,
        stream: random(2) ? "stdout" : "stderr",
        text: `${index} ${"x".repeat(random(500))}`,
        atMs: Math.floor(nowMs()),
      } as const;
      lines.push(line);
      await store.append(line.instance, [line]);
    }
    for (let round = 0; round < 40; round += 1) {
      const [sinceMs, untilMs] = [lines[random(400)]?.atMs ?? 0, lines[random(400)]?.atMs ?? 0].sort((a, b) => a - b);
      const query = {
        ...(random(2) ? { sinceMs: sinceMs ?? 0 } : {}),
        ...(random(2) ? { untilMs: untilMs ?? 0 } : {}),
        ...(random(2) ? { stream: "stdout" as const } : {}),
        ...(random(2) ? { instances: ["i.0", "i.2"] } : {}),
      };
      const wanted = lines
        .filter(({ atMs }) => atMs >= (query.sinceMs ?? 0) && atMs <= (query.untilMs ?? Infinity))
        .filter(
          ({ stream, instance }) =>
            stream === (query.stream ?? stream) && (query.instances?.includes(instance) ?? true),
        )
        .map(({ instance, text }) => `${instance} ${text}`);
      // Lines of one moment may change places between instances.
      assert.deepEqual((await all(store, query)).sort(), wanted.sort());
      const count = random(50);
      assert.equal((await all(store, { ...query, tail: count })).length, Math.min(count, wanted.length));
    }
  });
}

function following(check: Check): void {
  check(
    "following gives the tail, then what is written, also by instances that come later",
    async ({ store, passMs }) => {
      for (const text of ["1", "2", "3"]) await say(store, "web.1", text);
      const following = follow(store, { under: "web", from: { tail: 2 } });
      assert.deepEqual(await following.first(2), ["web.1 2", "web.1 3"]);
      await passMs(1);
      await say(store, "web.1", "4");
      assert.deepEqual((await following.first(3)).at(-1), "web.1 4");
      await passMs(1);
      await say(store, "web.2", "5");
      await say(store, "api.1", "not this");
      assert.deepEqual((await following.first(4)).at(-1), "web.2 5");
      await following.stop();
    },
  );

  check("following from a time gives everything since, once", async ({ store, nowMs, passMs }) => {
    let sinceMs = 0;
    for (let index = 0; index < 100; index += 1) {
      await passMs(5);
      if (index === 40) sinceMs = nowMs();
      await say(store, "a", `${index}`);
    }
    const following = follow(store, { from: { sinceMs } });
    await following.first(60);
    for (let index = 100; index < 150; index += 1) await say(store, "a", `${index}`);
    assert.deepEqual(
      await following.first(110),
      Array.from({ length: 110 }, (_, index) => `a ${index + 40}`),
    );
    await following.stop();
  });

  check("following after cursors neither loses nor doubles a line", async ({ store, passMs }) => {
    const random = randomFrom(5);
    let written = 0;
    const write = async (): Promise<void> => {
      for (let count = random(40); count > 0; count -= 1, written += 1) {
        await say(store, `i.${written % 2}`, `${written}`);
        if (random(3) === 0) await passMs(1);
      }
    };
    const seen = new Set<string>();
    const after: Record<string, LogCursor> = {};
    for (let round = 0; round < 12; round += 1) {
      await write();
      const stop = new AbortController();
      let left = random(60);
      for await (const entry of store.follow({ from: { after: { ...after } }, signal: stop.signal })) {
        assert.equal(entry.kind, "line");
        if (entry.kind !== "line") continue;
        assert.ok(!seen.has(entry.text), `${entry.text} came twice`);
        seen.add(entry.text);
        after[entry.instance] = entry.cursor;
        left -= 1;
        if (left <= 0 || seen.size === written) break;
      }
      stop.abort();
      if (seen.size === written) await say(store, "i.0", `${written++}`);
    }
    const rest = follow(store, { from: { after } });
    await rest.first(written - seen.size);
    for (const line of rest.got) seen.add(line.slice(4));
    assert.deepEqual([...seen].sort(), Array.from({ length: written }, (_, index) => `${index}`).sort());
    await rest.stop();
  });

  check("an aborted follow ends quietly", async ({ store }) => {
    await say(store, "a", "1");
    const following = follow(store, { from: { tail: 5 } });
    await following.first(1);
    await following.stop();
    assert.deepEqual(await all(store, { signal: AbortSignal.abort() }), []);
  });
}

function keeping(check: Check): void {
  check("a removed log is gone, and its name can log again", async ({ store }) => {
    await say(store, "a", "1");
    await say(store, "b", "2");
    await store.remove("a");
    await store.remove("never");
    assert.deepEqual(await store.instances(), ["b"]);
    await say(store, "a", "3");
    assert.deepEqual((await all(store, {})).sort(), ["a 3", "b 2"]);
  });

  check("pruning leaves logs that were not asked for", async ({ store }) => {
    for (const instance of ["a.1", "a.2", "b.1"]) await say(store, instance, "1");
    await store.prune({ olderThanMs: Number.MAX_SAFE_INTEGER / 2 ** 10, under: "b" });
    await store.prune({ olderThanMs: Number.MAX_SAFE_INTEGER / 2 ** 10, instances: ["a.2"] });
    assert.deepEqual(await all(store, { instances: ["a.1"] }), ["a.1 1"]);
    await assert.rejects(store.prune({ olderThanMs: 0, under: "../b" }), { code: "bad-key" });
  });

  check("pruning by a time before everything removes nothing", async ({ store }) => {
    await say(store, "a", "1");
    assert.deepEqual(await store.prune({ olderThanMs: 0 }), { files: 0, bytes: 0 });
    assert.deepEqual(await all(store, {}), ["a 1"]);
  });
}

async function say(store: LogStore, instance: string, text: string): Promise<void> {
  await store.append(instance, [{ stream: "stdout", text }]);
}

async function all(store: LogStore, query: LogQuery): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of store.query(query)) lines.push(shown(entry));
  return lines;
}

function shown(entry: LogEntry): string {
  return entry.kind === "line"
    ? `${entry.instance} ${entry.text}`
    : `${entry.instance} gap of ${entry.gapBytes} (${entry.why})`;
}

function follow(
  store: LogStore,
  request: LogFollow,
): { got: string[]; first: (count: number) => Promise<string[]>; stop: () => Promise<void> } {
  const got: string[] = [];
  const abort = new AbortController();
  let wake = (): void => undefined;
  const ended = (async () => {
    for await (const entry of store.follow({ ...request, signal: abort.signal })) {
      got.push(shown(entry));
      wake();
    }
  })();
  return {
    got,
    async first(count) {
      while (got.length < count) {
        await Promise.race([
          ended,
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
        ]);
      }
      return got.slice(0, count);
    },
    async stop() {
      abort.abort();
      await ended;
    },
  };
}

async function refused(call: Promise<unknown>, code: EngineErrorCode): Promise<void> {
  await assert.rejects(call, (error: unknown) => isEngineError(error, code), `wanted a refusal with code ${code}`);
}
