import { ActorScript } from "../cell/actor-script.ts";
import type { BackoffOptions } from "../time/backoff.ts";
import type { ChildSettings, ChildSpec } from "./child-spec.ts";
import type { AnySupervisorOptions, AutoShutdown } from "./supervisor-options.ts";

/** A supervisor or child was described with a value that cannot be; the message names it. */
export class SupervisorSpecError extends Error {
  override readonly name = "SupervisorSpecError";
}

/** @throws SupervisorSpecError for the first value that cannot be. */
export function checkSupervisor(options: AnySupervisorOptions): void {
  const { strategy, intensity, autoShutdown = "never" } = options as { strategy?: string } & AnySupervisorOptions;
  oneOf("supervisor strategy", strategy ?? "one_for_one", [
    "one_for_one",
    "one_for_all",
    "rest_for_one",
    "simple_one_for_one",
  ]);
  oneOf("autoShutdown", autoShutdown, ["never", "any_significant", "all_significant"]);
  if (intensity !== undefined) {
    whole("intensity.restarts", intensity.restarts, 0);
    if (!(intensity.periodMs > 0)) refuse("intensity.periodMs", intensity.periodMs, "a number of ms above 0");
  }
  if (options.strategy === "simple_one_for_one") {
    if (options.child === undefined) refuse("child", undefined, "the spec of its one kind of child");
    checkSettings("the child", options.child, autoShutdown);
    checkBehavior("the child", options.child.start);
    return;
  }
  const ids = new Set<string>();
  for (const spec of options.children ?? []) {
    checkChild(spec, autoShutdown);
    if (ids.has(spec.id)) refuse("child id", spec.id, "an id that no other child of this supervisor has");
    ids.add(spec.id);
  }
}

/** @throws SupervisorSpecError for the first value that cannot be. */
export function checkChild(spec: ChildSpec, autoShutdown: AutoShutdown): void {
  if (typeof spec.id !== "string" || spec.id === "") refuse("child id", spec.id, "a string that is not empty");
  const who = `child ${JSON.stringify(spec.id)}`;
  checkBehavior(who, spec.start);
  checkSettings(who, spec, autoShutdown);
}

function checkBehavior(who: string, start: unknown): void {
  if (!(start instanceof ActorScript)) refuse(`start of ${who}`, start, "a behaviour made by actor() or supervisor()");
}

function checkSettings(who: string, settings: ChildSettings, autoShutdown: AutoShutdown): void {
  const { restart = "permanent", shutdown = 5000, significant = false, backoff } = settings;
  oneOf(`restart of ${who}`, restart, ["permanent", "transient", "temporary"]);
  if (shutdown !== "brutal_kill" && shutdown !== "infinity" && !(typeof shutdown === "number" && shutdown >= 0))
    refuse(`shutdown of ${who}`, shutdown, 'a number of ms from 0, "brutal_kill" or "infinity"');
  if (typeof significant !== "boolean") refuse(`significant of ${who}`, significant, "true or false");
  if (significant && restart === "permanent")
    refuse(
      `significant of ${who}`,
      true,
      "false, or a transient or temporary child: a permanent one is always restarted",
    );
  if (significant && autoShutdown === "never")
    refuse(`significant of ${who}`, true, 'false, or an autoShutdown other than "never" of its supervisor');
  if (backoff !== undefined) checkBackoff(who, backoff);
}

function checkBackoff(who: string, backoff: BackoffOptions): void {
  const { initialMs, maxMs, factor = 2, jitter = 0.2 } = backoff;
  if (!(initialMs > 0)) refuse(`backoff.initialMs of ${who}`, initialMs, "a number of ms above 0");
  if (!(maxMs >= initialMs)) refuse(`backoff.maxMs of ${who}`, maxMs, `a number of ms from initialMs (${initialMs})`);
  if (!(factor >= 1)) refuse(`backoff.factor of ${who}`, factor, "a number from 1");
  if (!(jitter >= 0 && jitter <= 1)) refuse(`backoff.jitter of ${who}`, jitter, "a share from 0 to 1");
}

function oneOf(what: string, value: string, wanted: readonly string[]): void {
  if (!wanted.includes(value)) refuse(what, value, `one of ${wanted.join(", ")}`);
}

function whole(what: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) refuse(what, value, `a whole number from ${least}`);
}

function refuse(what: string, value: unknown, wanted: string): never {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new SupervisorSpecError(`Cannot supervise with ${what} ${shown}: wanted ${wanted}`);
}
