import type { Resources } from "@constellation/contract";
import type { Abilities } from "./abilities.ts";
import type { Verdict } from "./verdict.ts";

/** The limit of open descriptors per process, RLIMIT_NOFILE; null: that of the daemon. @throws ConstellationError `limit.unenforceable` */
export function openFilesFor({ openFiles }: Resources, { openFilesLimit }: Abilities, verdict: Verdict): number | null {
  if (openFiles === null) return null;
  if (openFiles <= openFilesLimit) {
    verdict.on("limit.open-files", `${openFiles} per process`);
    return openFiles;
  }
  // Nobody without CAP_SYS_RESOURCE can raise a hard limit (setrlimit(2)).
  verdict.missingLimit(
    "limit.open-files",
    String(openFiles),
    `the daemon itself may not have more than ${openFilesLimit}`,
    "Start the daemon with a higher hard limit (LimitNOFILE in its service)",
  );
  return openFilesLimit;
}
