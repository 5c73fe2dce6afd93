import { readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";
import { code, table } from "./markdown.js";

/** Every setting of an app, from the interfaces that users write against. */
export function specPage(path) {
  const source = readFileSync(path, "utf8");
  const { program, comments, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0].message}`);
  const textBefore = (start) =>
    docText(
      comments.findLast((comment) => comment.end <= start && /^\s*(export )?$/.test(source.slice(comment.end, start))),
    );
  const declared = program.body.flatMap((node) =>
    node.declaration ? [{ ...node.declaration, start: node.start }] : [],
  );
  const interfaces = declared.filter(({ type }) => type === "TSInterfaceDeclaration");
  const names = declared.map(({ id }) => id.name);
  const sections = interfaces.map(({ id, body, start }) => {
    const rows = body.body.map((member) => {
      const { text, fallback } = textBefore(member.start);
      const type = source
        .slice(member.typeAnnotation.typeAnnotation.start, member.typeAnnotation.end)
        .replace(/ \| undefined\b/g, "");
      return [code(member.key.name), linked(type, names), text, code(fallback)];
    });
    return `## ${id.name}\n\n${textBefore(start).text}\n\n${table(["setting", "type", "meaning", "default"], rows)}`;
  });
  const aliases = declared
    .filter(({ type }) => type === "TSTypeAliasDeclaration")
    .map(
      ({ id, typeAnnotation, start }) =>
        `## ${id.name}\n\n${textBefore(start).text}\n\n${code(source.slice(typeAnnotation.start, typeAnnotation.end))}`,
    );
  return `# Settings of an app

What \`app({...})\` takes. Sizes are text like \`"256MB"\` (10^6) or \`"256MiB"\` (2^20), durations \`"250ms"\`, \`"10s"\`, \`"1h30m"\`,
bandwidths \`"50Mbit"\` or \`"6MB/s"\`. An unknown setting is an error.

${[...sections, ...aliases].join("\n\n")}
`;
}

function docText(comment) {
  const lines = (comment?.value ?? "")
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\*? ?/, "").trim());
  const whole = lines.join(" ").trim();
  const [text, fallback = ""] = whole.split(/\s*@default\s+/);
  return { text: text.trim(), fallback: fallback.trim() };
}

/** Names of other tables become links to them. */
const linked = (type, names) =>
  type
    .split(/\b/)
    .map((word) => (names.includes(word) ? `[${word}](#${word.toLowerCase()})` : word))
    .join("")
    .replace(/\s+/g, " ");
