import { code, table } from "./markdown.js";

const forms = {
  json: "one JSON value",
  "json-lines": "one JSON value a line, for as long as you listen",
  bytes: "raw bytes",
  text: "text",
  websocket: "WebSocket",
  none: "no body",
};

/** The routes of the daemon's API. */
export function apiPage({ routes, openApiDocument, apiVersion, execFrame }) {
  const { paths } = openApiDocument("");
  const sections = Object.entries(routes).map(([name, route]) => {
    const operation = paths[route.path.replace(/:(\w+)/g, "{$1}")][route.method.toLowerCase()];
    return section(name, route, operation);
  });
  const frames = Object.entries(execFrame).map(([name, number]) => [number, name]);
  return `# API

Version ${apiVersion}. Served over HTTP on the daemon's Unix socket, which only its owner can open (mode 0600):
\`$CONSTELLATION_HOME/run/daemon.sock\`, or \`/run/constellation/daemon.sock\` for root, or \`~/.constellation/run/daemon.sock\`;
\`constellation daemon status\` shows it.

\`\`\`sh
curl --unix-socket /run/constellation/daemon.sock http://localhost/v1/apps
\`\`\`

Every answer names the version in the header \`constellation-api\`. Errors are \`{"code","message","remedy","details"}\`, see
[exit codes and errors](exit-codes.md); what else they hold, with units and times, is in [what calls answer](results.md). A stream that breaks after it began ends with a line \`{"error": …}\`.
\`constellation openapi\` prints the whole document.

${table(
  ["call", "what it does"],
  Object.values(routes).map(({ method, path, summary }) => [code(`${method} ${path}`), summary]),
)}

${sections.join("\n\n")}

## Frames of exec

Each WebSocket message is one type byte and a payload.

${table(["type", "frame"], frames)}
`;
}

function section(name, { method, path, summary, form, takesBytes }, { parameters, requestBody }) {
  const rows = parameters.map(({ name: parameter, in: where, required, schema }) => [
    code(parameter),
    where,
    required ? "yes" : "",
    typeOf(schema),
  ]);
  const body = requestBody?.content["application/json"]?.schema;
  const settings = Object.entries(body?.properties ?? {}).map(([key, schema]) => [
    code(key),
    "body",
    body.required?.includes(key) ? "yes" : "",
    typeOf(schema),
  ]);
  const all = [...rows, ...settings];
  return [
    `## ${name}`,
    `${code(`${method} ${path}`)} — ${summary}. ${takesBytes ? "Takes raw bytes. " : ""}Answers with ${forms[form]}.`,
    ...(all.length === 0 ? [] : [table(["setting", "in", "required", "type"], all)]),
  ].join("\n\n");
}

function typeOf({ type, enum: values, items, minimum, maximum, pattern }) {
  if (values !== undefined) return values.map((value) => code(value)).join(" or ");
  if (type === "array") return `list of ${items?.type ?? "specs"}`;
  if (type === "string" && pattern !== undefined) return `text like ${code(pattern)}`;
  const bounds = [
    minimum === undefined ? "" : `from ${minimum}`,
    maximum === undefined || maximum > 1e15 ? "" : `to ${maximum}`,
  ];
  return [type ?? "any", ...bounds.filter(Boolean)].join(" ");
}
