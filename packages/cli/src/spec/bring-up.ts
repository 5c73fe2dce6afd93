import { type AppSummary, type Change, ConstellationError, givenDuration, type Measure } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { changeLines } from "../views/changes.ts";
import { progress } from "../views/progress.ts";
import { logTail } from "../views/log-tail.ts";
import { requireHookLines } from "../views/require-hooks.ts";

/** How a command that starts apps waits for them. */
export interface BringUpOptions {
  readonly wait: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/**
 * Applies, shows what changes, waits with live progress and prints the URLs. Ctrl-C ends only the waiting.
 *
 * @param apply is given what wants to know the files that went into scripts
 * @throws ConstellationError `app.unhealthy` after showing the last lines of the logs, `call.timeout`, `call.cancelled`
 */
export async function bringUp(
  context: Context,
  apply: (onBundled: (files: readonly string[]) => void) => Promise<readonly Change[]>,
  { wait, timeout, json = false }: BringUpOptions,
): Promise<void> {
  // Before anything is changed.
  givenDuration("--timeout", timeout);
  let bundled: readonly string[] = [];
  const changes = await apply((files) => (bundled = files));
  const lines = [...changeLines(changes, context.out), ...requireHookLines(bundled, context.out)];
  if (!json) for (const line of lines) context.out.line(line);
  const apps = wait ? await waitFor(context, changes, timeout, json) : [];
  if (json) context.out.line(JSON.stringify({ changes, apps }, null, 2));
  else for (const app of apps) await printOutcome(context, app);
}

/** Where it is reached, and what an instance of its newest revision got less of than was asked for. */
async function printOutcome(context: Context, { name, urls, wanted, revision }: AppSummary): Promise<void> {
  printUrls(context, name, urls);
  if (wanted === 0) return;
  const client = await context.client({ start: false });
  const { signal } = context;
  // While one makes room for another, the first one may be of the revision before.
  const newest = (await client.instances(name, { signal })).find((instance) => instance.revision === revision);
  if (newest === undefined) return;
  const { measures } = await client.instance(newest.name, { signal });
  for (const { name: measure, state, detail } of measures) {
    // What a setting of the spec took away besides itself.
    const bySetting = measure.startsWith("limit.") || detail.startsWith("isolation.");
    if (state === "partial" || (state === "missing" && bySetting))
      context.out.line(`${context.out.style("warning", "!")} ${name}  ${measure}: ${detail}`);
  }
  const lacking = measures.flatMap(namespaceMissing);
  if (lacking.length > 0)
    context.out.line(
      `${context.out.style("warning", "!")} ${name}  isolation: nothing of its own for ${lacking.join(", ")}; \`constellation doctor\` says why`,
    );
}

/** A namespace that the machine does not have. The machine's network is what most apps get. */
function namespaceMissing({ name, state, detail }: Measure): string[] {
  const [, kind] = /^namespace\.(?!network)(\w+)$/.exec(name) ?? [];
  return kind === undefined || state !== "missing" || detail.startsWith("isolation.") ? [] : [kind];
}

async function waitFor(
  context: Context,
  changes: readonly Change[],
  timeout: string,
  json: boolean,
): Promise<readonly AppSummary[]> {
  const client = await context.client({ start: false });
  const shown = json ? null : progress(context.out);
  try {
    return await client.waitHealthy(
      changes.filter(({ change }) => change !== "orphaned" && change !== "removed").map(({ app }) => app),
      { timeout, signal: context.signal, onProgress: (snapshot) => shown?.show(snapshot) },
    );
  } catch (error) {
    shown?.done();
    if (!json && error instanceof ConstellationError && error.code !== "call.cancelled")
      for (const line of await logTail(client, appsOf(error), context.err.style)) context.err.line(line);
    throw error;
  } finally {
    shown?.done();
  }
}

const appsOf = ({ details }: ConstellationError): readonly string[] =>
  Array.isArray(details?.["apps"]) ? (details["apps"] as string[]) : [];

function printUrls({ out }: Context, name: string, urls: readonly string[]): void {
  for (const url of urls) out.line(`${name}  ${out.style("link", url)}`);
}
