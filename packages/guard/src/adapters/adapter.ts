import { fileURLToPath } from "node:url";

/** Frameworks that are guarded test by test, and `command`, which is anything else. */
export type FrameworkName = "node-test" | "vitest" | "jest" | "mocha" | "pytest" | "tap" | "command";

/** What a framework is asked to run. */
export interface AdapterRequest {
  readonly root: string;
  /** Where generated files may go. */
  readonly stateDirectory: string;
  /** What the project itself passes to the framework, and what the user added. */
  readonly args: readonly string[];
  readonly paths: readonly string[];
  /** Undefined: as many as the framework likes. */
  readonly jobs: number | undefined;
  /** Files to leave out, below the root. */
  readonly exclude: readonly string[];
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
    };

/** A file that runs inside the guest's processes. */
export const guestFile = (name: string): string => fileURLToPath(new URL(`../../guests/${name}`, import.meta.url));
