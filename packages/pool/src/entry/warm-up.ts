import * as nodeModule from "node:module";
import { setPriority } from "node:os";
import { preloader } from "./preload.ts";
import { recordError } from "../wire/error-record.ts";
import type { Boot, WarmReport, WarmupFailure } from "../wire/protocol.ts";
import { importModule, tellOfBundle } from "./bundled-modules.ts";
import { RunningTask, type TaskFunction } from "./task-context.ts";

/** Of Node 22.1 and 22.10. Workers are killed: what they have compiled has to be written before that. */
const module = nodeModule as {
  enableCompileCache?: (directory: string) => { readonly status: number };
  flushCompileCache?: () => void;
};

/** `module.constants.compileCacheStatus`. */
const cacheIsOn = { now: 1, already: 2 };

type Outcome =
  | { readonly kind: "warm"; readonly compileCache: WarmReport["compileCache"] }
  | { readonly kind: "failed"; readonly failure: WarmupFailure };

/** Makes a worker ready: preloads, modules, then the warm-up function. Names what failed, and before that what comes next. */
export async function warmUp(
  boot: Boot,
  tasks: Map<string, TaskFunction>,
  tell: (what: string) => void,
): Promise<Outcome> {
  // On Linux this is the niceness of the calling thread; 0 as pid means "me".
  if (boot.nicenessUntilWarm !== null) setPriority(0, boot.nicenessUntilWarm);
  const compileCache = enableCompileCache(boot.compileCache);
  tellOfBundle(boot.bundle);
  let what = "";
  const next = (name: string): void => tell((what = name));
  try {
    const preload = boot.preload.length === 0 ? null : preloader(boot.resolveFrom);
    for (const specifier of boot.preload) {
      next(specifier);
      await preload?.(specifier);
    }
    const single = Object.keys(boot.modules).length === 1 && "" in boot.modules;
    for (const [name, url] of Object.entries(boot.modules)) {
      next(name === "" ? url : name);
      const loaded = await importModule(url);
      for (const [task, value] of Object.entries(exportsOf(loaded)))
        if (typeof value === "function") tasks.set(single ? task : `${name}/${task}`, value as TaskFunction);
    }
    if (boot.warmUp !== null) {
      next(boot.warmUp);
      const warm = tasks.get(boot.warmUp);
      if (warm === undefined) throw new TypeError(`no module exports a function "${boot.warmUp}"`);
      await warm(undefined as never, new RunningTask(0, null));
    }
  } catch (error) {
    return { kind: "failed", failure: { what, error: recordError(error) } };
  }
  if (compileCache === "on") module.flushCompileCache?.();
  return { kind: "warm", compileCache };
}

/** A CommonJS module comes with its exports under `default` too; named ones that Node could not see are only there. */
function exportsOf(loaded: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const inner = loaded["default"];
  return typeof inner === "object" && inner !== null ? { ...inner, ...loaded } : loaded;
}

function enableCompileCache(directory: string | null): WarmReport["compileCache"] {
  if (directory === null) return "off";
  const outcome = module.enableCompileCache?.(directory);
  if (outcome === undefined) return "not-in-this-node";
  return outcome.status === cacheIsOn.now || outcome.status === cacheIsOn.already ? "on" : "refused-by-node";
}
