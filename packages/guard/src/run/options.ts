import type { Lease } from "../lease/lease.ts";
import type { PolicySettings } from "../policy/settings.ts";
import type { RunEvent } from "./outcome.ts";

/** One guarded run. */
export interface RunOptions {
  /** The project's folder. */
  readonly root: string;
  /** Where the journal is kept. @default <root>/.constellation/test */
  readonly stateDirectory?: string;
  /** @default "auto" */
  readonly framework?: string;
  /** Guards this shell command instead of a framework. */
  readonly command?: string;
  /** Runs the command once for each. */
  readonly items?: readonly string[];
  readonly paths?: readonly string[];
  /** Handed to the framework as they are. */
  readonly args?: readonly string[];
  /** Files or workers at a time. @default the cores that may be used, for frameworks that run file by file; else theirs */
  readonly jobs?: number;
  /** Pass over what an earlier attempt finished. @default false */
  readonly resume?: boolean;
  /** With resume: run failed tests again. @default false */
  readonly rerunFailed?: boolean;
  /** Keys of tests that have run again by now: when they failed again they are finished. @default none */
  readonly haveRunAgain?: ReadonlySet<string>;
  /** False: run under journal and teardown, without looking at the machine. @default true */
  readonly selfProtect?: boolean;
  readonly policy?: PolicySettings;
  /** How long all of it may take; 0: for ever. @default 3_600_000 */
  readonly timeoutMs?: number;
  /** How long tests that run may take to finish when the run drains. @default 10_000 */
  readonly graceMs?: number;
  /** `inherit`: the framework writes where we do; `log`: into output.log. @default "inherit" */
  readonly output?: "inherit" | "log";
  /** Containers of the run are stopped too. @default true */
  readonly containers?: boolean;
  /** Before it starts: end processes of dead runs that still hold ports. @default true */
  readonly clearPorts?: boolean;
  /** The longest time between two looks at the machine. @default 1000 */
  readonly checkIntervalMs?: number;
  /** How long a finished test may be in the system's cache only. @default 100 */
  readonly syncEveryMs?: number;
  /** Files of the code under test, as globs from the root: when one changes a resumed run begins anew. @default none */
  readonly sources?: readonly string[];
  /** The run's place among others on this machine. @default it protects itself */
  readonly lease?: Lease;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}
