import { expect, test } from "vitest";
import type { Constellation, ConstellationError, Exec } from "../src/index.ts";
import { memoryClient } from "./memory-home.ts";

const web = { name: "web", command: ["sleep", "1"] };

async function withWeb(): Promise<Constellation> {
  const client = await memoryClient();
  await client.create(web);
  await client.waitHealthy("web");
  return client;
}

const failure = (call: Promise<unknown>): Promise<ConstellationError> =>
  call.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => error as ConstellationError,
  );

async function readAll({ output }: Exec): Promise<string> {
  let text = "";
  for await (const { bytes } of output) text += Buffer.from(bytes).toString();
  return text;
}

test("exec runs a program and tells how it ended", async () => {
  const client = await withWeb();
  const exec = await client.exec("web.1", ["sh", "-c", "cat; exit 3"]);
  await exec.write("hello");
  exec.endInput();
  expect(await readAll(exec)).toBe("hello");
  expect(await exec.exit).toEqual({ code: 3, signal: null });
  const missing = await client.exec("web.9", ["true"]);
  expect(await failure(readAll(missing))).toMatchObject({ code: "instance.not-found" });
});

test("input keeps its order, and its end comes last, for who does not wait", async () => {
  const client = await withWeb();
  const exec = await client.exec("web.1", ["sh", "-c", "cat"]);
  const parts = ["a", "b", "c"].map((letter) => letter.repeat(200_000));
  for (const part of parts) void exec.write(part);
  exec.endInput();
  expect((await readAll(exec)) === parts.join("")).toBe(true);
});

test("how a program ended is known to who does not read what it says", async () => {
  const client = await withWeb();
  const exec = await client.exec("web.1", ["sh", "-c", "echo some words; exit 3"]);
  expect(await exec.exit).toEqual({ code: 3, signal: null });
  expect(await readAll(exec)).toBe("some words\n");
});

test("a program is ended by its caller: by a signal, by closing, by leaving its output", async () => {
  const client = await withWeb();
  const run = (signal?: AbortSignal): Promise<Exec> =>
    client.exec("web.1", ["sh", "-c", "echo on; sleep 9"], { signal });
  const gone = { code: "call.cancelled", message: "The program in web.1 was ended by its caller" };
  const signalled = await run(AbortSignal.timeout(50));
  expect(await failure(readAll(signalled))).toMatchObject(gone);
  expect(await failure(signalled.exit)).toMatchObject(gone);
  const closed = await run();
  closed.close();
  expect(await failure(closed.exit)).toMatchObject(gone);
  const left = await run();
  for await (const _ of left.output) break;
  expect(await failure(left.exit)).toMatchObject(gone);
  expect(await failure(run(AbortSignal.abort()))).toMatchObject({ code: "call.cancelled" });
});

test("a script for a shell may be long, and one that is too long is not taken for the daemon's absence", async () => {
  const client = await withWeb();
  const long = await client.exec("web.1", ["sh", "-c", `: ${"x".repeat(100_000)}; echo done`]);
  expect(await readAll(long)).toBe("done\n");
  const tooLong = client.exec("web.1", ["echo", "x".repeat(2_000_000)]);
  expect(await failure(tooLong)).toMatchObject({ code: "request.invalid" });
});
