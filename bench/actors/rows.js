// The rows of the table: what is measured, in which unit, and the bar that it must clear.
import { otp, ours, peerResults } from "./runtimes.js";
import { sizes } from "./sizes.js";

const perMessage = ({ micros, messages }) => micros / messages;
const millionsPerSecond = ({ micros, messages }) => messages / micros;

/** A case of Savina in million handled messages per second of processor time. */
function throughput(name, least) {
  return savina(name, "M msg/s", { least, timesOtp: 2 }, (micros, messages) => messages / micros);
}

/** A case of Savina in ms of processor time for the same work. */
function work(name) {
  return savina(name, "ms", { timesOtp: 2 }, (micros) => micros / 1000);
}

function savina(name, unit, bar, inUnit) {
  const value = ({ micros, messages }) => inUnit(micros, messages);
  const wall = ({ wallMicros, messages }) => inUnit(wallMicros, messages);
  return {
    name,
    unit,
    bar,
    measure(rounds) {
      const runs = { ours: [], otp: [] };
      // Runtimes take turns, so that what else the machine does hits all of them.
      for (let round = 0; round < rounds; round += 1) {
        runs.ours.push(...ours(name));
        runs.otp.push(...otp(name, Object.values(sizes[name])));
      }
      return {
        ours: runs.ours.map(value),
        otp: runs.otp.map(value),
        peers: mapValues(peerResults(name), (results) => results.map(value)),
        wall: runs.ours.map(wall),
      };
    },
  };
}

/** Anything else: a case of measures.js, with Erlang's and the peers' where they have it. */
function measure(name, unit, bar, caseName, { pick = (result) => result, beam = null, peer = null } = {}) {
  return {
    name,
    unit,
    bar,
    measure: (rounds) => ({
      ours: Array.from({ length: rounds }, () => ours(caseName).map(pick)).flat(),
      otp: beam === null ? [] : otp(beam.name, beam.numbers).map(beam.value),
      peers: peer === null ? {} : mapValues(peerResults(peer.name), (results) => results.map(peer.value)),
    }),
  };
}

const p50 = { pick: (result) => result.p50 };
const p99 = { pick: (result) => result.p99 };

export const rows = [
  throughput("pingPong", 10),
  throughput("counting", 5),
  throughput("forkJoinCreate", 5),
  throughput("forkJoinThroughput", 5),
  throughput("threadRing", 5),
  throughput("chameneos", 5),
  throughput("big", 5),
  work("dictionary"),
  work("boundedBuffer"),
  work("philosophers"),
  work("barber"),
  work("smokers"),
  work("bank"),
  measure("spawn, 1,000,000 alive", "µs", { most: 1.5 }, "spawnMicros", {
    beam: { name: "spawnIdle", numbers: [300_000], value: perMessage },
    peer: { name: "spawning", value: perMessage },
  }),
  measure("start a supervised child, 1,000,000 alive", "µs", { most: 3 }, "startChildMicros"),
  measure("idle supervised actor, 1,000,000 alive", "bytes", { most: 400 }, "bytesPerActor"),
  measure("ask with timeout, 1,000 open", "M/s", { least: 1.5 }, "askMillions"),
  measure("ask with timeout, one by one", "M/s", { least: 0.5 }, "askInTurnMillions", {
    beam: { name: "call", numbers: [200_000], value: millionsPerSecond },
    peer: { name: "asking", value: millionsPerSecond },
  }),
  measure("idle to handled, p50", "µs", { most: 10 }, "idleToHandledMicros", p50),
  measure("idle to handled, p99", "µs", { most: 150 }, "idleToHandledMicros", p99),
  measure("timer lateness at saturation, p99", "ms", { most: 5 }, "timerLatenessMs"),
  measure("crash to next message handled, p50", "µs", { most: 10 }, "restartMicros", {
    ...p50,
    beam: { name: "restart", numbers: [300], value: perMessage },
  }),
  measure("crash to next message handled, p99", "µs", { most: 100 }, "restartMicros", p99),
  measure("to a worker thread, batched", "M msg/s", { least: 1 }, "workerMillions"),
];

/** How a row stands to its bar; Erlang's share of the bar is not judged without Erlang. */
export function judge({ unit, bar }, median, otpMedian) {
  const timesOtp = otpMedian === null || bar.timesOtp === undefined ? null : ratio(unit, median, otpMedian);
  const met =
    (bar.least === undefined || median >= bar.least) &&
    (bar.most === undefined || median <= bar.most) &&
    (timesOtp === null || timesOtp >= bar.timesOtp);
  return { timesOtp, verdict: met ? "met" : "below the bar" };
}

export function barText({ least, most, timesOtp }) {
  const parts = [least === undefined ? "" : `>= ${least}`, most === undefined ? "" : `<= ${most}`];
  return [...parts, timesOtp === undefined ? "" : `>= ${timesOtp}x OTP`].filter((part) => part !== "").join(", ");
}

function ratio(unit, median, otpMedian) {
  return unit === "ms" ? otpMedian / median : median / otpMedian;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
