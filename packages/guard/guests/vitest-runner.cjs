"use strict";
// What the generated Vitest runner does in each worker. It is required, not imported, so that Vite leaves it alone.
const { openFile, isDraining, isHolding, longestHoldMs, now } = require("./journal.cjs");

const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const later = setTimeout;

exports.guarded = (Runner, test) =>
  class extends Runner {
    #opened = new Map();
    #files = new Map();
    #keys = new WeakMap();
    #passedOver = new WeakSet();
    #idle = new WeakSet();

    /** What need not run is not loaded, and nothing more is loaded when no new test may start. */
    importFile(path, source) {
      if (source !== "collect") return super.importFile(path, source);
      const file = isDraining() ? undefined : openFile(path, projectOf(path, this.config));
      if (file !== undefined) this.#opened.set(path, file);
      if (file !== undefined && !file.isWhole) return super.importFile(path, source);
      // A file without tests is a failure to Vitest.
      test.skip("passed over");
    }

    onCollected(files) {
      for (const each of files) {
        const file = this.#opened.get(each.filepath);
        this.#opened.delete(each.filepath);
        if (file === undefined || file.isWhole) {
          each.mode = "skip";
          continue;
        }
        this.#files.set(each.filepath, { file, task: each });
        this.#skipFinished(file, each, []);
      }
      return super.onCollected?.(files);
    }

    async onBeforeRunTask(test) {
      const until = now() + longestHoldMs;
      while (isHolding() && now() < until && !isDraining()) await new Promise((resolve) => later(resolve, 20));
      if (isDraining()) {
        this.#passedOver.add(test);
        test.mode = "skip";
      }
      return super.onBeforeRunTask?.(test);
    }

    async onAfterRunTask(test) {
      await super.onAfterRunTask?.(test);
      this.#report(test);
    }

    async onAfterRunFiles(files) {
      for (const each of files ?? []) {
        const known = this.#files.get(each.filepath);
        if (known === undefined) continue;
        if (isDraining()) continue;
        const isThrough = this.#rest(each);
        trouble(known.file, each);
        if (isThrough) known.file.end();
      }
      return super.onAfterRunFiles?.(files);
    }

    #skipFinished(file, task, path) {
      for (const child of task.tasks ?? []) {
        const names = [...path, child.name];
        if (child.type === "suite") this.#skipFinished(file, child, names);
        else {
          const key = file.keyOf(names);
          this.#keys.set(child, { file, key });
          if (child.mode === "skip" || child.mode === "todo") this.#idle.add(child);
          if (!file.isFinished(key)) continue;
          this.#passedOver.add(child);
          child.mode = "skip";
        }
      }
    }

    /**
     * Tests that are skipped (`pending`: by themselves) or todo get no call of their own. Those that Vitest skips (a hook of
     * their suite failed, the run was cancelled after a failure) have not ended: they run again. Answers whether all others have.
     */
    #rest(task) {
      let isThrough = true;
      for (const child of task.tasks ?? []) {
        if (child.type === "suite") isThrough = this.#rest(child) && isThrough;
        else if (this.#idle.has(child) || (child.result?.pending && !this.cancelRun)) this.#report(child);
        else isThrough &&= this.#passedOver.has(child);
      }
      return isThrough;
    }

    #report(test) {
      if (this.#passedOver.has(test)) return;
      const known = this.#keys.get(test);
      if (known === undefined) return;
      this.#passedOver.add(test);
      const state = test.result?.state;
      const status = state === "pass" ? "passed" : state === "fail" ? "failed" : "skipped";
      const error = test.result?.errors?.[0];
      known.file.report(known.key, status, test.result?.duration ?? 0, error && (error.stack ?? error.message));
    }
  };

/** The name of the project, for files that run in several. */
function projectOf(path, { name }) {
  if (name === undefined || name === "") return undefined;
  shared ??= new Set(JSON.parse(readFileSync(sharedFile, "utf8")));
  return shared.has(path) ? name : undefined;
}

let shared;
/** `vitest.mjs` has written it. */
const sharedFile = join(process.env.CONSTELLATION_GUARD_STATE ?? "", "vitest-shared.json");

function trouble(file, task) {
  if (task.result?.state === "fail" && task.result.errors?.length)
    file.trouble(task.name, task.result.errors[0].stack ?? task.result.errors[0].message);
  for (const child of task.tasks ?? []) if (child.type === "suite") trouble(file, child);
}
