import { fileURLToPath } from "node:url";
import { contentHash } from "../journal/plan.ts";
import type { TestStatus } from "../journal/record.ts";

/** Frameworks that are guarded test by test, and `command`, which is anything else. */
export type FrameworkName =
  | "node-test"
  | "vitest"
  | "jest"
  | "mocha"
  | "playwright"
  | "pytest"
  | "go-test"
  | "nextest"
  | "tap"
  | "command";

/** What a framework is asked to run. */
export interface AdapterRequest {
  readonly root: string;
  /** Where generated files may go. */
  readonly stateDirectory: string;
  /** What the project itself passes to the framework, and what the user added. */
  readonly args: readonly string[];
  readonly paths: readonly string[];
  /** Where the project starts it through Node: flags of Node, and last the framework's file. */
  readonly node: readonly string[];
  /** Undefined: as many as the framework likes. */
  readonly jobs: number | undefined;
  /** Files to leave out, below the root. */
  readonly exclude: readonly string[];
  /** What earlier attempts finished, by file: title paths and occurrence. */
  readonly finished: ReadonlyMap<string, readonly (readonly [readonly string[], number])[]>;
}

/** A program to start, with what it needs beside the environment that all guests get. */
export interface GuestProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** One process that runs one file. */
export interface GuestUnit extends GuestProgram {
  readonly file: string;
  /** What stands in the journal when the file reports no test of its own. */
  readonly title: string;
}

/** How a framework is run: one process of its own that runs everything, or one of ours per file. */
export type Adapter =
  | {
      readonly name: FrameworkName;
      readonly shape: "whole";
      program(request: AdapterRequest): GuestProgram;
      /** Exit codes that say "nothing was left to run". */
      readonly nothingToRun: readonly number[];
    }
  | {
      readonly name: FrameworkName;
      readonly shape: "files";
      units(request: AdapterRequest): readonly GuestUnit[];
      /** Fingerprint of what stands in the journal as a file, when it is no file. @default its content */
      hash?(root: string): (file: string) => string;
      /** How its results are known. `exit`: the process is the test; `journal`: a hook in it writes them down. */
      readonly results: "exit" | "journal" | OutputResults;
    };

/** Results that are read from what a process writes. */
export interface OutputResults {
  readonly stream: "stdout" | "stderr";
  /** Makes a reader for one process. */
  reader(unit: GuestUnit): OutputReader;
}

/** Reads one process's output, line by line. */
export interface OutputReader {
  line(text: string): readonly OutputEvent[];
}

/** What a line says. `show`: words for the user; a line that is not understood is shown as it is. */
export type OutputEvent =
  | {
      readonly kind: "test";
      readonly file: string;
      readonly path: readonly string[];
      readonly status: TestStatus;
      readonly ms: number;
      readonly error?: string;
    }
  /** Nothing of this file is left to come. */
  | { readonly kind: "end"; readonly file: string }
  | { readonly kind: "show"; readonly text: string };

/** The kernel takes no longer single argument (MAX_ARG_STRLEN, 128 KiB). */
export const longestArgument = 120_000;

/** A file that runs inside the guest's processes. */
export const guestFile = (name: string): string => fileURLToPath(new URL(`../../guests/${name}`, import.meta.url));

/** Fingerprints what an adapter calls a file. */
export function hashOf(adapter: Adapter, root: string): (file: string) => string {
  return adapter.shape === "files" && adapter.hash !== undefined ? adapter.hash(root) : contentHash(root);
}
