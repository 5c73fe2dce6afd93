import type { Event, EventsQuery } from "@constellation/contract";
import { openMemoryTelemetry } from "@constellation/engine";
import { describe, expect, test, vi } from "vitest";
import { EventLog, MemoryArchive, TelemetryArchive } from "../../src/observe/index.ts";

const parts = { nowMs: () => 5, report: () => undefined };
const open = (archive = new MemoryArchive()) => new EventLog({ ...parts, archive, newest: archive.events.at(-1) });
const happen = (log: EventLog, app: string, count = 1): void => {
  for (let n = 0; n < count; n += 1) log.append({ type: "app.stopped", app });
};

async function read(log: EventLog, query: EventsQuery = {}, count = Infinity): Promise<Event[]> {
  const events: Event[] = [];
  const stop = new AbortController();
  for await (const event of log.read(query, stop.signal)) {
    events.push(event);
    if (events.length >= count) stop.abort();
  }
  return events;
}

describe("the event log", () => {
  test("numbers events in one order and gives the ones asked for", async () => {
    const log = open();
    happen(log, "a", 3);
    happen(log, "b", 2);
    expect((await read(log)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect((await read(log, { app: "b" })).map(({ seq }) => seq)).toEqual([4, 5]);
    expect((await read(log, { after: 3 })).map(({ seq }) => seq)).toEqual([4, 5]);
    expect((await read(log, { tail: 2 })).map(({ seq }) => seq)).toEqual([4, 5]);
    expect(await read(log, { tail: 0 })).toEqual([]);
  });

  test("follows without losing or doubling one, however bursts and reads fall together", async () => {
    const log = open();
    happen(log, "a", 10);
    const following = read(log, { follow: true, after: 4 }, 1006);
    for (let burst = 0; burst < 10; burst += 1) {
      happen(log, "a", 100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await following).map(({ seq }) => seq)).toEqual(Array.from({ length: 1006 }, (_, at) => at + 5));
  });

  test.each([undefined, "a"])(
    "tells a reader who is slower than it forgets what memory has lost (app: %s)",
    async (app) => {
      const log = open();
      happen(log, "a");
      const stop = new AbortController();
      const seen: number[] = [];
      for await (const { seq } of log.read({ follow: true, ...(app === undefined ? {} : { app }) }, stop.signal)) {
        seen.push(seq);
        if (seq === 1) for (let burst = 0; burst < 8; burst += 1) for (const name of ["a", "b"]) happen(log, name, 500);
        if (seq === 1) expect((await read(log, { tail: 1 }))[0]?.seq).toBe(8001);
        if (seq === (app === undefined ? 8001 : 7501)) stop.abort();
      }
      const every = Array.from({ length: 8001 }, (_, at) => at + 1);
      const wanted =
        app === undefined ? every : every.filter((seq) => seq === 1 || Math.floor((seq - 2) / 500) % 2 === 0);
      expect(seen).toEqual(wanted);
    },
  );

  test("tells of a beginning together with what comes of it, and alone when nothing does", async ({
    onTestFinished,
  }) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const log = open();
    const starting = { status: "starting", since: 1 } as const;
    const begin = () => log.append({ type: "instance.changed", app: "a", instance: "a.1", state: starting });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const told: string[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const { type } of log.read({ follow: true }, stop.signal)) told.push(type);
    })();
    await turn();
    begin();
    await turn();
    expect(told).toEqual([]);
    happen(log, "a");
    await turn();
    expect(told).toEqual(["instance.changed", "app.stopped"]);
    begin();
    vi.advanceTimersByTime(5);
    await turn();
    expect(told).toHaveLength(3);
    stop.abort();
    await reading;
  });

  test("says when readers have heard of what has begun, which is now when nothing is held back", async () => {
    const log = open();
    await log.told();
    const told: string[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const { type } of log.read({ follow: true }, stop.signal)) told.push(type);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    log.append({ type: "app.applied", app: "a", revision: 1, change: "created" });
    await log.told();
    expect(told).toEqual(["app.applied"]);
    log.append({ type: "app.applied", app: "a", revision: 2, change: "updated" });
    happen(log, "a");
    await log.told();
    expect(told).toEqual(["app.applied", "app.applied", "app.stopped"]);
    stop.abort();
    await reading;
  });

  test("ends a follower at its signal, also one that waits", async () => {
    const log = open();
    const stop = new AbortController();
    const waiting = (async () => {
      for await (const event of log.read({ follow: true }, stop.signal))
        throw new Error(`nothing happened: ${event.seq}`);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await waiting;
  });

  test("goes on with greater numbers in the next daemon, which still has what happened before", async () => {
    const archive = new MemoryArchive();
    const first = open(archive);
    happen(first, "a", 3);
    await first.flush();
    const second = open(archive);
    happen(second, "b");
    const events = await read(second);
    expect(events.map((event) => ("app" in event ? event.app : ""))).toEqual(["a", "a", "a", "b"]);
    expect(events[3]?.seq).toBeGreaterThan(3);
  });

  test("keeps the newest in memory and finds the others in the archive, each once and in order", async () => {
    const archive = new MemoryArchive();
    const log = open(archive);
    for (let round = 0; round < 50; round += 1) {
      happen(log, round % 10 === 0 ? "rare" : "a", 100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const numbers = async (query: EventsQuery): Promise<number[]> => (await read(log, query)).map(({ seq }) => seq);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
    expect(await numbers({})).toEqual(range(1, 5000));
    expect(await numbers({ after: 1234 })).toEqual(range(1235, 5000));
    expect(await numbers({ tail: 3000 })).toEqual(range(2001, 5000));
    expect(await numbers({ app: "rare", tail: 250 })).toEqual([
      ...range(2051, 2100),
      ...range(3001, 3100),
      ...range(4001, 4100),
    ]);
    // While the archive is being written.
    happen(log, "a", 2000);
    expect(await numbers({ after: 2000 })).toEqual(range(2001, 7000));
  });

  test("an archive that fails is reported, counted, and stops nobody", async () => {
    const reports: string[] = [];
    const archive = { last: () => Promise.resolve([]), append: () => Promise.reject(new Error("disk full")) };
    const log = new EventLog({ nowMs: () => 5, archive, newest: undefined, report: (text) => reports.push(text) });
    happen(log, "a", 3);
    await log.flush();
    expect(log.dropped).toBe(3);
    expect(reports).toEqual(["events could not be archived"]);
    expect(await read(log)).toHaveLength(3);
  });

  test("comes back from the telemetry file whole", async () => {
    const telemetry = openMemoryTelemetry();
    const archive = new TelemetryArchive(telemetry);
    const log = new EventLog({ ...parts, archive, newest: undefined });
    const exit = { kind: "error", code: 3, signal: null, reason: "exited", peakMemoryBytes: null, at: 1 } as const;
    const state = { status: "failed", since: 1, last: exit, reason: "gave up" } as const;
    log.append({ type: "instance.changed", app: "web", instance: "web.1", state });
    await log.flush();
    await telemetry.flush();
    expect(await archive.last(10)).toEqual(await read(log));
    await telemetry.close();
  });
});
