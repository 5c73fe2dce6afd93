import { randomUUID } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LeaseAnswer, LeaseRequest } from "@constellation/contract";
import { listRuns, onLines } from "@constellation/guard";
import { identifyProcess } from "@constellation/host";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GuardService, openGuardService } from "../../src/guard/index.ts";

let home: string;
let service: GuardService | undefined;
const reports: string[] = [];
const socketPath = () => join(home, "guard.sock");
const open = async (): Promise<void> => {
  service = await openGuardService({
    socketPath: socketPath(),
    folder: join(home, "guard"),
    config: { guard: { clearPorts: false } },
    report: (text) => void reports.push(text),
  });
};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "guard-service-"));
  reports.length = 0;
});
afterEach(async () => {
  await service?.close();
  service = undefined;
  expect(readdirSync(home).filter((name) => name !== "guard")).toEqual([]);
  expect(readdirSync(join(home, "guard")).filter((name) => name.startsWith("proof-"))).toEqual([]);
  rmSync(home, { recursive: true });
});

/** Sends lines and gives what is answered until the connection ends. */
function talk(bytes: string | Uint8Array): Promise<LeaseAnswer[]> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(), () => socket.end(bytes));
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      resolve(
        text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as LeaseAnswer),
      );
    });
  });
}

/** Signs in as this process, says `more` in the same breath, and waits until it was let in or refused. */
async function introduced(
  lease: LeaseRequest,
  more = "",
): Promise<{ readonly answers: readonly LeaseAnswer[]; readonly close: () => void }> {
  const answers: LeaseAnswer[] = [];
  const socket = connect(socketPath(), () => socket.write(`${JSON.stringify(lease)}\n`));
  const ended = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  let proof: number | undefined;
  const settled = new Promise<void>((resolve) => {
    onLines(socket, 65_536, (line) => {
      const answer = JSON.parse(line) as LeaseAnswer;
      answers.push(answer);
      if (answer.kind === "prove") {
        proof = openSync(answer.path, "r");
        socket.write(`${JSON.stringify({ kind: "proven" })}\n${more}`);
      } else if (answer.kind === "admitted") resolve();
    });
  });
  await Promise.race([settled, ended]);
  if (proof !== undefined) closeSync(proof);
  return { answers, close: () => socket.destroy() };
}

function request(rest: Partial<LeaseRequest> = {}): LeaseRequest {
  const guard = identifyProcess(process.pid);
  if (guard === undefined) throw new Error("we are not there");
  return {
    kind: "lease",
    id: randomUUID(),
    guard,
    root: home,
    stateDirectory: home,
    sinceMs: 1,
    phase: "waiting",
    expectedBytes: 1,
    ports: 0,
    launch: null,
    ...rest,
  };
}

test("only its own user can connect, and read what it keeps", async () => {
  await open();
  expect(statSync(socketPath()).mode & 0o077).toBe(0);
  expect(statSync(join(home, "guard")).mode & 0o077).toBe(0);
});

test("who says to be another process, or proves nothing, is refused", async () => {
  await open();
  const parent = identifyProcess(process.ppid);
  if (parent === undefined) throw new Error("we have no parent");
  const lies = `${JSON.stringify(request({ guard: parent }))}\n${JSON.stringify({ kind: "proven" })}\n`;
  expect((await talk(lies)).map(({ kind }) => kind)).toEqual(["prove", "refused"]);
  expect((await talk(`${JSON.stringify({ kind: "proven" })}\n`)).map(({ kind }) => kind)).toEqual(["refused"]);
  expect(await listRuns(socketPath())).toEqual([]);
});

test("a run is known also where the home is reached by a link", async () => {
  const link = `${home}-link`;
  symlinkSync(home, link);
  try {
    service = await openGuardService({
      socketPath: socketPath(),
      folder: join(link, "guard"),
      config: { guard: { clearPorts: false } },
      report: (text) => void reports.push(text),
    });
    const run = await introduced(request());
    expect(run.answers.map(({ kind }) => kind)).toContain("admitted");
    run.close();
  } finally {
    rmSync(link);
  }
});

test("whoever is refused cannot speak for the run that holds the lease", async () => {
  await open();
  const lease = request({ phase: "running" });
  const owner = await introduced(lease);
  expect(owner.answers.map(({ kind }) => kind)).toContain("admitted");
  const other = await introduced(lease, `${JSON.stringify({ kind: "ended" })}\n`);
  expect(other.answers.map(({ kind }) => kind)).toEqual(["prove", "refused"]);
  expect(await listRuns(socketPath())).toMatchObject([{ id: lease.id }]);
  owner.close();
});

test("a run that cannot be written down ends nobody: it is refused, and the next one is let in", async () => {
  await open();
  const folder = join(home, "guard");
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "no folder");
  const answers = await talk(`${JSON.stringify(request())}\n`);
  expect(answers).toEqual([{ kind: "refused", reason: "the daemon could not do it; its log says why" }]);
  expect(reports).toContain("the desk of guarded runs");
  rmSync(folder);
  const next = await introduced(request({ phase: "running" }));
  expect(next.answers.map(({ kind }) => kind)).toContain("admitted");
  next.close();
});

test("nonsense is refused and hurts nobody", async () => {
  await open();
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 2000 })), async (nonsense) => {
      const answers = await talk(typeof nonsense === "string" ? `${nonsense}\n` : nonsense);
      expect(answers.filter(({ kind }) => kind !== "refused")).toEqual([]);
    }),
    { numRuns: 60 },
  );
  expect(await talk("x".repeat(600_000))).toEqual([]);
  expect(await listRuns(socketPath())).toEqual([]);
});

test("leases that cannot be read are removed and told of; the rest is taken over", async () => {
  mkdirSync(join(home, "guard"));
  const alive = request({ phase: "running" });
  writeFileSync(join(home, "guard", `${alive.id}.json`), JSON.stringify({ request: alive }));
  writeFileSync(join(home, "guard", "half.json"), '{"request": {"kind"');
  writeFileSync(join(home, "guard", `${randomUUID()}.json`), JSON.stringify({ request: alive }));
  await open();
  expect(reports).toEqual(["2 lease(s) of guarded runs could not be read"]);
  expect(await listRuns(socketPath())).toMatchObject([{ id: alive.id, phase: "running", pid: process.pid }]);
});
