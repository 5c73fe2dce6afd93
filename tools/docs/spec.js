import { interfaceSections } from "./interfaces.js";

/** Every setting of an app, from the interfaces that users write against. */
export function specPage(path) {
  return `# Settings of an app

What \`app({...})\` takes. Sizes are text like \`"256MB"\` (10^6) or \`"256MiB"\` (2^20), durations \`"250ms"\`, \`"10s"\`, \`"1h30m"\`,
bandwidths \`"50Mbit"\` or \`"6MB/s"\`. An unknown setting is an error.

${interfaceSections(path, ["setting", "type", "meaning", "default"])}
`;
}
