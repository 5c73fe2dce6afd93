import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import type { LogLine } from "@constellation/contract";
import { MemoryPlatform } from "./memory-platform.ts";
import { served } from "./served.ts";

async function open(socketPath: string, path: string): Promise<IncomingMessage> {
  const sent = request({ socketPath, path, agent: false }).end();
  sent.on("error", () => undefined);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  onTestFinished(() => void response.destroy());
  return response;
}

test("lines of the past come at once, new ones when they happen", async () => {
  const { platform, socketPath } = await served();
  for (let at = 0; at < 5; at += 1) platform.log("web.1", "stdout", `line ${at}`);
  const response = await open(socketPath, "/v1/logs?tail=2&follow=true");
  response.setEncoding("utf8");
  let text = "";
  response.on("data", (chunk: string) => (text += chunk));
  const read = () =>
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as LogLine).text);
  await vi.waitFor(() => expect(read()).toEqual(["line 3", "line 4"]));
  platform.log("web.1", "stdout", "line 5");
  await vi.waitFor(() => expect(read()).toEqual(["line 3", "line 4", "line 5"]));
});

test("whenever things happen, the caller hears all of them in order", async () => {
  const moments = {
    now: () => undefined,
    microtask: () => Promise.resolve(),
    tick: () => new Promise<void>((resolve) => process.nextTick(resolve)),
    turn: () => new Promise<void>((resolve) => setImmediate(resolve)),
    later: () => sleep(1),
  };
  const { platform, socketPath } = await served();
  const response = await open(socketPath, "/v1/logs?follow=true");
  response.setEncoding("utf8");
  let text = "";
  response.on("data", (chunk: string) => (text += chunk));
  const told: string[] = [];
  const moment = fc.constantFrom(...Object.values(moments));
  const length = fc.constantFrom(1, 100, 20_000, 70_000);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(moment, length), { minLength: 1, maxLength: 30 }), async (happenings) => {
      for (const [wait, size] of happenings) {
        await wait();
        told.push(`${told.length} ${"x".repeat(size)}`);
        platform.log("web.1", "stdout", told.at(-1) ?? "");
      }
      const heard = (): string[] => text.split("\n").slice(0, -1);
      await vi.waitFor(() => expect(heard()).toHaveLength(told.length), { interval: 5 });
      expect(heard().map((line) => (JSON.parse(line) as LogLine).text)).toEqual(told);
    }),
    { numRuns: 20 },
  );
});

test("a caller who leaves ends the source", async () => {
  const { platform, socketPath } = await served();
  const response = await open(socketPath, "/v1/events?follow=true");
  await vi.waitFor(() => expect(platform.openStreams).toBe(1));
  response.destroy();
  await vi.waitFor(() => expect(platform.openStreams).toBe(0));
});

test("a caller who does not read holds the source back", async () => {
  let taken = 0;
  class Endless extends MemoryPlatform {
    override async *logs(): AsyncGenerator<LogLine> {
      for (;;) {
        taken += 1;
        yield { app: "web", instance: "web.1", time: "", stream: "stdout", text: "x".repeat(1000) };
        if (taken % 100 === 0) await new Promise(setImmediate);
      }
    }
  }
  const { socketPath } = await served({}, new Endless());
  const response = await open(socketPath, "/v1/logs?follow=true");
  response.pause();
  let before = -1;
  await vi.waitFor(
    () => {
      const still = before === taken && taken > 0;
      before = taken;
      expect(still).toBe(true);
    },
    { interval: 100, timeout: 10_000 },
  );
  expect(taken).toBeLessThan(20_000);
});

test("a stream that breaks ends with its error", async () => {
  class Breaking extends MemoryPlatform {
    override async *events(): AsyncGenerator<never> {
      yield* await Promise.reject<never[]>(new Error("disk gone"));
    }
  }
  const { call, faults } = await served({}, new Breaking());
  const { text } = await call("GET", "/v1/events");
  expect(JSON.parse(text)).toMatchObject({ error: { code: "internal.bug" } });
  expect(faults).toHaveLength(1);
});

test("closing the server ends streams, and tells those who follow that more would have come", async () => {
  const { platform, socketPath, server } = await served();
  const response = await open(socketPath, "/v1/events?follow=true");
  let text = "";
  response.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(response, "close");
  await server.close(1000);
  await ended;
  expect(platform.openStreams).toBe(0);
  expect(JSON.parse(text.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ error: { code: "daemon.unreachable" } });
});
