import type { Command } from "commander";
import { timeLimit } from "@constellation/host";
import { type Constellation, ConstellationError, givenDuration, givenInterval } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { readKeys } from "../terminal/keys.ts";
import { liveRegion } from "../terminal/live.ts";
import { sortNames, type TopSort, topLines } from "../views/top.ts";
import { measured, type Measured } from "../views/measured.ts";

/** An instance that was not measured for so long is gone. */
const staleIntervals = 3;
/** In so many rounds the counters of every instance are read anew. */
const roundsAtMost = 5;
/** Time that a round of measurements may come late. */
const lateMs = 2000;
const keysHelp = `sort: ${sortNames.map((name) => `${name[0]} ${name}`).join("  ")}   q quit`;

interface Options {
  readonly interval: string;
  readonly sort: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** `constellation top [app]` */
export function define(command: Command, context: Context): void {
  command
    .argument("[app]", "only this app")
    .option("--interval <duration>", "time between measurements", "1s")
    .option("--sort <column>", `sort by ${sortNames.join(", ")}`, "cpu")
    .option("--once", "measure once and end")
    .option("--json", "print one JSON value a line, one an instance")
    .action(async (app: string | undefined, { interval, sort, once = false, json }: Options) => {
      if (!isSort(sort))
        throw new ConstellationError(
          "usage.invalid",
          `--sort is ${JSON.stringify(sort)}, it must be ${sortNames.join(", ")}`,
        );
      givenInterval("--interval", interval);
      const daemon = await context.client({ start: false });
      // What cannot be measured is said before anything is drawn.
      if (app === undefined) await daemon.apps({ signal: context.signal });
      else await daemon.app(app, { signal: context.signal });
      if (json === true) return printSamples(daemon, app, interval, once, context);
      if (once || !context.out.interactive) return printOnce(daemon, app, sort, interval, context);
      return watch(daemon, app, sort, interval, context);
    });
}

const isSort = (text: string): text is TopSort => (sortNames as readonly string[]).includes(text);

async function printSamples(
  daemon: Constellation,
  app: string | undefined,
  interval: string,
  once: boolean,
  { out, signal }: Context,
): Promise<void> {
  const samples = daemon.monitor(app, { interval, follow: !once, signal });
  for await (const sample of samples) {
    out.line(JSON.stringify(sample));
    await out.room(signal);
  }
}

/** Rates need the counters of two measurements; of very many instances not every round reads them. */
async function printOnce(
  daemon: Constellation,
  app: string | undefined,
  sort: TopSort,
  interval: string,
  { out, signal }: Context,
): Promise<void> {
  const count = (await daemon.instances(app, { signal })).filter(({ state }) => state.status === "running").length;
  const latest = new Map<string, Measured>();
  const rated = new Set<string>();
  // What has ended meanwhile is measured no more: the rounds are not waited for longer than they take.
  const timeoutMs = roundsAtMost * givenDuration("--interval", interval) + lateMs;
  const until = timeLimit(timeoutMs, signal);
  if (count > 0)
    for await (const sample of daemon.monitor(app, { interval, signal: until })) {
      const before = latest.get(sample.instance);
      if (before !== undefined && before.sample.countersAt !== sample.countersAt) rated.add(sample.instance);
      latest.set(sample.instance, measured(sample, before));
      if (rated.size >= count) break;
    }
  for (const line of topLines([...latest.values()], sort, out)) out.line(line);
}

async function watch(
  daemon: Constellation,
  app: string | undefined,
  firstSort: TopSort,
  interval: string,
  { out, signal }: Context,
): Promise<void> {
  const quit = new AbortController();
  const until = AbortSignal.any([signal, quit.signal]);
  const staleMs = staleIntervals * givenDuration("--interval", interval);
  const region = liveRegion(out);
  const latest = new Map<string, Measured>();
  let sort = firstSort;
  let drawing = false;
  const draw = (): void => {
    drawing = false;
    region.draw([...topLines([...latest.values()], sort, out), "", out.style("dim", keysHelp)]);
  };
  const stopKeys = readKeys((key) => {
    if (key === "q" || key === "\u0003") quit.abort();
    sort = sortNames.find((name) => name[0] === key) ?? sort;
    draw();
  });
  try {
    draw();
    for await (const sample of daemon.monitor(app, { interval, signal: until })) {
      latest.set(sample.instance, measured(sample, latest.get(sample.instance)));
      for (const [name, one] of latest) if (sample.at - one.sample.at > staleMs) latest.delete(name);
      // Samples that come together are drawn together.
      if (!drawing) setImmediate(draw);
      drawing = true;
    }
  } finally {
    stopKeys();
    region.done();
  }
}
