// Runs a case in a process of its own: ours, Erlang's, or a peer's.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** Runs of one process that are thrown away, and those that count: engines compile what they have run for a while. */
const warmUpRuns = 2;
const runs = 4;

/** Cases that each peer has in its own idiom, in peers/, and how large they are there. */
const ownSizes = { pingPong: 100_000, counting: 200_000, spawning: 10_000, asking: 10_000 };
const own = {
  nact: ["pingPong", "counting", "spawning", "asking"],
  xstate: ["pingPong", "counting", "spawning"],
  effect: ["pingPong", "counting", "spawning", "asking"],
  comedy: ["counting", "spawning", "asking"],
};

/** Cases that run on a peer as they run on ours, at the same sizes: with the same actors to the end, and with ends. */
const lasting = [
  "forkJoinThroughput",
  "threadRing",
  "chameneos",
  "big",
  "dictionary",
  "boundedBuffer",
  "philosophers",
  "smokers",
  "bank",
];
const ending = ["forkJoinCreate", "barber"];

/** What each peer runs. comedy removes an actor that ends from a list of all: it needs minutes where many end. */
export const peers = {
  nact: [...own.nact, ...lasting, ...ending],
  xstate: [...own.xstate, ...lasting, ...ending],
  effect: [...own.effect, ...lasting, ...ending],
  comedy: [...own.comedy, "pingPong", ...lasting],
};

/** The release of Erlang on this machine; null without one. */
export const erlang = findErlang();

/** Results of the runs that count. */
export function ours(name) {
  const flags = ["--expose-gc", "--max-old-space-size=8192"];
  const args = [...flags, join(here, "run-case.js"), name, String(warmUpRuns + runs)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })).slice(warmUpRuns);
}

/** The same on one scheduler of Erlang, as one thread of JavaScript; nothing without Erlang. */
export function otp(name, numbers) {
  if (erlang === null) return [];
  const beams = mkdtempSync(join(tmpdir(), "savina-"));
  try {
    execFileSync("erlc", ["-o", beams, join(here, "savina.erl")]);
    const flags = ["+S", "1:1", "+P", "4000000", "-noshell", "-pa", beams];
    const args = ["-run", "savina", "main", name, String(warmUpRuns + runs), ...numbers.map(String)];
    const lines = execFileSync("erl", [...flags, ...args], { encoding: "utf8" })
      .trim()
      .split("\n");
    return lines.slice(warmUpRuns).map((line) => {
      const [micros, wallMicros, messages] = line.split(" ").map(Number);
      return { micros, wallMicros, messages };
    });
  } finally {
    rmSync(beams, { recursive: true });
  }
}

/** The results of every peer that has this case. */
export function peerResults(name) {
  const having = Object.keys(peers).filter((peer) => peers[peer].includes(name));
  return Object.fromEntries(having.map((peer) => [peer, peerRuns(peer, name)]));
}

function peerRuns(peer, name) {
  const isOwn = own[peer].includes(name);
  const args = isOwn ? ["run-peer.js", peer, name, "3", String(ownSizes[name])] : ["run-case.js", name, "3"];
  const env = isOwn ? process.env : { ...process.env, RUNTIME: peer };
  const text = execFileSync(process.execPath, args, { encoding: "utf8", cwd: here, env });
  return JSON.parse(text.trim().split("\n").at(-1)).slice(1);
}

function findErlang() {
  try {
    const version = 'io:format("~s", [erlang:system_info(otp_release)]), halt().';
    return execFileSync("erl", ["-noshell", "-eval", version], { encoding: "utf8" });
  } catch {
    return null;
  }
}
