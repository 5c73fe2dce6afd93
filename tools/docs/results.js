import { interfaceSections } from "./interfaces.js";

/** Everything that calls answer, from the interfaces that users read. */
export function resultsPage(path) {
  return `# What calls answer

The same in code, in the [API](api.md) and with \`--json\`. Units stand in the names: \`Bytes\`, \`Percent\`, \`Ms\`, \`Us\` (microseconds). Times
(\`at\`, \`since\`, \`until\`, …) are Unix milliseconds, with a fraction where the machine knows it: \`new Date(at)\` takes them, a column for whole
numbers wants \`Math.round(at)\`. Only lines of logs have theirs as text, since milliseconds would not keep their order.

${interfaceSections(path, ["field", "type", "meaning"])}
`;
}
