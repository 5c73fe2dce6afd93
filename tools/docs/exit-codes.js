import { code, table } from "./markdown.js";

/** Exit codes of the command, and the error codes that lead to them. */
export function exitCodesPage({ exitCodes, errorCodes }) {
  const codes = Object.entries(exitCodes).map(([name, { code: number, meaning }]) => [number, name, meaning]);
  const errors = Object.entries(errorCodes).map(([name, { kind, exit, status, retryable }]) => [
    code(name),
    `${exitCodes[exit].code} (${exit})`,
    status,
    kind,
    retryable ? "yes" : "no",
  ]);
  return `# Exit codes and errors

Every command ends with one of these. A code never changes its meaning. \`exec\` ends with the code of its program, or with
128 and the number of the signal that ended it.

${table(["code", "name", "meaning"], codes)}

## Error codes

Every error has a code that stays, a message, mostly a remedy. With \`--json\` it is one line on standard error:
\`{"error":{"code":"…","message":"…","remedy":"…"}}\`. Kind says who can mend it: the user, the machine (environment), or we (bug).

${table(["error", "exit code", "HTTP status", "kind", "a retry may help"], errors)}
`;
}
