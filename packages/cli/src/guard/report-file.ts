import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConstellationError } from "@constellation/contract";

/**
 * Looks whether a report can be written there, and makes its folder, before the run whose report it is: an hour later
 * nobody wants to hear of it.
 *
 * @throws ConstellationError `usage.invalid`
 */
export function checkReportFile(option: string, path: string | undefined): void {
  if (path === undefined) return;
  const refuse = (why: string, cause?: unknown): never => {
    throw new ConstellationError("usage.invalid", `Cannot write ${option} ${path}: ${why}`, {
      cause,
      remedy: "Name a file in a folder that you can write to; nothing was run.",
    });
  };
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    refuse(reasonOf(cause), cause);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) refuse("it is a folder");
}

/** @throws ConstellationError `access.denied` */
export function writeReportFile(option: string, path: string | undefined, text: () => string): void {
  if (path === undefined) return;
  try {
    // The tests may have cleared the folder away.
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text());
  } catch (cause) {
    throw new ConstellationError("access.denied", `Cannot write ${option} ${path}: ${reasonOf(cause)}`, {
      cause,
      remedy: "The run itself is over and kept: name another place, and add --resume.",
    });
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
