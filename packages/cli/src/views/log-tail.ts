import type { Constellation, Instance, LogLine } from "@constellation/sdk";
import type { Style } from "../terminal/style.ts";
import { printable } from "../terminal/width.ts";

const lines = 10;
/** Of one app, as many instances as somebody reads. */
const instances = 3;
const askMs = 1000;

/**
 * The last lines that apps wrote, for somebody who wonders why they do not come up: of the present or last runs of the
 * instances that are not ready. What is in their logs from before would only lead astray.
 */
export async function logTail(client: Constellation, apps: readonly string[], style: Style): Promise<string[]> {
  const result: string[] = [];
  for (const app of apps.slice(0, 3)) {
    const signal = AbortSignal.timeout(askMs);
    try {
      const all = await client.instances(app, { signal });
      const found: LogLine[] = [];
      for (const { name } of all.filter(isNotReady).slice(0, instances))
        found.push(...(await linesOfRun(client, name, signal)));
      // Times of one form, so that they compare as texts.
      found.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
      for (const { instance, text } of found.slice(-lines))
        result.push(style("dim", `  ${instance} | ${printable(text)}`));
    } catch {
      // The failure itself is told anyway, and must not be replaced by that of a look at the log.
    }
  }
  return result;
}

const isNotReady = ({ state }: Instance): boolean => state.status !== "running" || !state.ready;

async function linesOfRun(client: Constellation, instance: string, signal: AbortSignal): Promise<LogLine[]> {
  const { begunAt } = await client.instance(instance, { signal });
  // Nobody knows which lines are its own.
  if (begunAt === null) return [];
  const found: LogLine[] = [];
  for await (const line of client.logs(undefined, {
    instance,
    since: new Date(begunAt),
    tail: lines,
    sources: true,
    signal,
  }))
    found.push(line);
  return found;
}
