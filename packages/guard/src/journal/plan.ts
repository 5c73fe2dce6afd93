import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Ledger, testKey } from "./ledger.ts";

/** What need not run again, per test file as it is now. */
export interface SkipPlan {
  /** File -> title paths and occurrence of its finished tests. */
  readonly finished: ReadonlyMap<string, readonly (readonly [readonly string[], number])[]>;
  /** Files that need not even be loaded. */
  readonly wholeFiles: ReadonlySet<string>;
  /** Files whose content changed since their tests finished: they run again. */
  readonly changed: readonly string[];
}

/**
 * Decides what a resumed attempt passes over. Only tests of files that read as they did then are passed over. `except`: keys
 * of failed tests that do not run again.
 */
export function planSkips(
  ledger: Ledger,
  hashNow: (file: string) => string,
  { rerunFailed, except }: { readonly rerunFailed: boolean; readonly except?: ReadonlySet<string> | undefined },
): SkipPlan {
  const finished = new Map<string, (readonly [readonly string[], number])[]>();
  const changed = new Set<string>();
  const again = new Set<string>();
  const hashes = new Map<string, string>();
  // What went wrong around the tests of a file that was gone through shows itself only when its tests run again.
  const troubled = new Set(ledger.troubles.map(({ file }) => file).filter((file) => ledger.ended.has(file)));
  for (const { file, path, n, hash, status } of ledger.tests.values()) {
    const now = hashes.get(file) ?? hashNow(file);
    hashes.set(file, now);
    if (now !== hash || now === "unreadable") changed.add(file);
    else if (troubled.has(file)) continue;
    else if (rerunFailed && status === "failed" && except?.has(testKey({ file, path, n })) !== true) again.add(file);
    else {
      const known = finished.get(file);
      if (known === undefined) finished.set(file, [[path, n]]);
      else known.push([path, n]);
    }
  }
  const wholeFiles = [...finished.keys()].filter(
    (file) => ledger.ended.get(file) === hashes.get(file) && !again.has(file) && !changed.has(file),
  );
  return { finished, wholeFiles: new Set(wholeFiles), changed: [...changed] };
}

/** Puts the plan where the hooks in the test processes find it, one file each. */
export function writeSkipPlan(directory: string, plan: SkipPlan, hashNow: (file: string) => string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [file, finished] of plan.finished) {
    const name = createHash("sha256").update(file).digest("hex").slice(0, 24);
    const whole = plan.wholeFiles.has(file);
    writeFileSync(join(directory, `${name}.json`), JSON.stringify({ file, hash: hashNow(file), finished, whole }));
  }
}

/** Hash of a file's content, as the hooks compute it. */
export function contentHash(root: string): (file: string) => string {
  return (file) => {
    try {
      return createHash("sha256")
        .update(readFileSync(resolve(root, file)))
        .digest("hex")
        .slice(0, 16);
    } catch {
      return "unreadable";
    }
  };
}
