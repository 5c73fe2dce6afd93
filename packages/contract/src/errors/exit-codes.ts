/** Exit codes of the `constellation` command, published in docs/reference/exit-codes.md. A code never changes its meaning. */
export const exitCodes = {
  ok: { code: 0, meaning: "Done." },
  failed: { code: 1, meaning: "What was run failed: a guarded test failed, an executed command returned an error." },
  usage: { code: 2, meaning: "The command line or the spec is not valid; nothing was changed." },
  "not-found": { code: 3, meaning: "The named app, instance, file or artifact does not exist." },
  conflict: { code: 4, meaning: "It exists already, is in use, or was changed by somebody else." },
  unsupported: {
    code: 5,
    meaning: "This machine lacks something that was asked for; `constellation doctor` says what.",
  },
  unreachable: { code: 6, meaning: "The daemon does not answer." },
  unhealthy: { code: 7, meaning: "It did not start, or did not become healthy." },
  timeout: { code: 8, meaning: "It took longer than the time it was given." },
  denied: { code: 9, meaning: "The caller may not do this." },
  protected: { code: 42, meaning: "A guarded run was stopped to protect the machine; it can be resumed." },
  bug: { code: 70, meaning: "A fault inside Constellation; please report it." },
  interrupted: { code: 130, meaning: "Stopped by Ctrl-C." },
} as const;

/** Name of a row in the table of exit codes. */
export type ExitCodeName = keyof typeof exitCodes;
