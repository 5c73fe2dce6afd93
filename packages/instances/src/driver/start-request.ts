import type { AppSpec, Isolation, MountSpec, Resources } from "@constellation/contract";
import type { PortBinding } from "./port-binding.ts";

/** What an instance executes, with everything found: no name to look up, no artifact to fetch. */
export type ResolvedRun =
  | { readonly kind: "command"; readonly argv: readonly string[] }
  /** `file`: absolute path of the JavaScript artifact. */
  | {
      readonly kind: "script";
      readonly file: string;
      readonly args: readonly string[];
      /** @default "node" */
      readonly runtime?: Runtime;
    };

/** What executes a script. */
export type Runtime = "node" | "bun";

/** Everything that a driver needs to start one instance; JSON, because it is kept on disk as the record of the intent. */
export interface StartRequest {
  /** Identity of this start, from `newRunId`; a restart has another. */
  readonly runId: string;
  readonly app: string;
  readonly index: number;
  readonly revision: number;
  /** How often this instance was restarted before. */
  readonly restarts: number;
  readonly run: ResolvedRun;
  /** The app's folder: readable, and the working folder. */
  readonly folder: string | null;
  readonly resources: Resources;
  readonly isolation: Isolation;
  /** The environment that the spec names; the driver adds the platform's own variables below it. */
  readonly env: Readonly<Record<string, string>>;
  /** URLs of other apps by app name; they become `<APP>_URL`. */
  readonly urls: Readonly<Record<string, string>>;
  readonly mounts: readonly MountSpec[];
  readonly ports: readonly PortBinding[];
  readonly logs: AppSpec["logs"];
  readonly stop: AppSpec["stop"];
  /** False: never from a Node that waits. @default true */
  readonly warm?: boolean;
}

/** `web.2`: the name that stays over restarts. */
export function instanceName({ app, index }: { readonly app: string; readonly index: number }): string {
  return `${app}.${index}`;
}
