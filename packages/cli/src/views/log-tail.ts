import type { Constellation } from "@constellation/sdk";
import type { Style } from "../terminal/style.ts";
import { printable } from "../terminal/width.ts";

const lines = 10;
const askMs = 1000;

/** The last lines that apps wrote, for somebody who wonders why they do not come up. */
export async function logTail(client: Constellation, apps: readonly string[], style: Style): Promise<string[]> {
  const result: string[] = [];
  for (const app of apps.slice(0, 3)) {
    const signal = AbortSignal.timeout(askMs);
    for await (const { instance, text } of client.logs(app, { tail: lines, signal }))
      result.push(style("dim", `  ${instance} | ${printable(text)}`));
  }
  return result;
}
