// Round trips and throughput of shared tasks, ours and our peers', in turns so that a busy machine hits all alike.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { processes, threads } from "./peers/pools.js";
import { median, quantile } from "./figures.js";

const workers = 4;
/** Some peers lose an answer or never end now and then: nobody waits longer for one. */
const longestAnswerMs = 15_000;

/** Rows of round trips (p50, µs) and throughput (k/s) for all pools of one placement. */
export async function benchTasks(placement, { rounds, roundMs, only = null }) {
  const names = Object.keys(placement === "threads" ? threads : processes);
  const hosts = names.filter((name) => only === null || only.includes(name)).map((name) => new Host(placement, name));
  const inTurns = async (step) => {
    for (const host of hosts) if (host.failure === null) await step(host).catch((error) => host.fail(error));
  };
  try {
    await inTurns((host) => host.ask("open", workers));
    for (let round = 0; round < rounds; round += 1)
      await inTurns(async (host) => {
        host.perSecond.push(await host.ask("burst", roundMs));
        const trips = await host.ask("trips", roundMs / 2);
        host.p50Us.push(quantile(trips, 0.5));
        host.p99Us.push(quantile(trips, 0.99));
        host.pausedUs.push(quantile(await host.ask("pausedTrips", 50), 0.5));
      });
    await inTurns((host) => host.ask("close"));
  } finally {
    for (const host of hosts) host.end();
  }
  return hosts.map((host) => host.row());
}

/** The process of one pool, and what was measured in it. */
class Host {
  perSecond = [];
  p50Us = [];
  p99Us = [];
  pausedUs = [];
  failure = null;
  #placement;
  #name;
  #child;

  constructor(placement, name) {
    this.#placement = placement;
    this.#name = name;
    // A group of its own, so that its workers go with it.
    this.#child = fork(fileURLToPath(new URL("peer-host.js", import.meta.url)), [placement, name], { detached: true });
    this.#child.on("error", (error) => this.fail(error));
  }

  ask(command, argument) {
    return new Promise((resolve, reject) => {
      const settle = (how, value) => {
        clearTimeout(timer);
        this.#child.off("message", answered).off("exit", ended);
        how(value);
      };
      const answered = ({ value, error }) =>
        error === undefined ? settle(resolve, value) : settle(reject, new Error(`${command}: ${error}`));
      const ended = (code) => settle(reject, new Error(`${command}: its process ended with ${code}`));
      const timer = setTimeout(() => {
        settle(reject, new Error(`${command}: no answer in ${longestAnswerMs / 1000} s`));
      }, longestAnswerMs);
      this.#child.on("message", answered).on("exit", ended);
      this.#child.send({ command, argument });
    });
  }

  fail(error) {
    this.failure = error.message;
    console.log(`${this.#name} in ${this.#placement}: ${error.message}`);
    this.end();
  }

  end() {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended, with all of its group.
    }
  }

  row() {
    const { perSecond, p50Us, p99Us, pausedUs, failure } = this;
    return {
      placement: this.#placement,
      pool: this.#name,
      perSecond: Math.round(median(perSecond)),
      perSecondBest: Math.round(Math.max(...perSecond)),
      perSecondSpread: [Math.round(Math.min(...perSecond)), Math.round(Math.max(...perSecond))],
      roundTripP50Us: Number(median(p50Us).toFixed(1)),
      roundTripP50BestUs: Number(Math.min(...p50Us).toFixed(1)),
      roundTripP50SpreadUs: [Math.min(...p50Us), Math.max(...p50Us)].map((one) => Number(one.toFixed(1))),
      roundTripP99Us: Number(median(p99Us).toFixed(1)),
      afterTwoMsP50Us: Number(median(pausedUs).toFixed(1)),
      ...(failure === null ? {} : { failure }),
    };
  }
}
