import { readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";
import { code, table } from "./markdown.js";

/**
 * A section for each interface and type of a file, in the words of its comments.
 *
 * @param columns heads of the tables: the name, its type, what it means and, where settings have one, the default
 */
export function interfaceSections(path, columns) {
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
  const sections = interfaces.map(({ id, body, start, extends: parents = [] }) => {
    const rows = body.body.map((member) => {
      const { text, fallback } = textBefore(member.start);
      const type = source
        .slice(member.typeAnnotation.typeAnnotation.start, member.typeAnnotation.end)
        .replace(/ \| undefined\b/g, "");
      return [code(member.key.name), linked(type, names), text, code(fallback)].slice(0, columns.length);
    });
    const above = parents.map(({ expression }) => ` With all of ${linked(expression.name, names)}.`).join("");
    return `## ${id.name}\n\n${textBefore(start).text}${above}\n\n${table(columns, rows)}`;
  });
  const aliases = declared
    .filter(({ type }) => type === "TSTypeAliasDeclaration")
    .map(({ id, typeAnnotation, start }) => {
      const text = source.slice(typeAnnotation.start, typeAnnotation.end);
      const whole = `type ${id.name} =${text.startsWith("|") ? "\n  " : " "}${text};`;
      const shown = text.includes("\n") ? `\`\`\`ts\n${whole}\n\`\`\`` : code(text);
      return `## ${id.name}\n\n${textBefore(start).text}\n\n${shown}`;
    });
  if (sections.length === 0) throw new Error(`${path} declares no interface`);
  return [...sections, ...aliases].join("\n\n");
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
