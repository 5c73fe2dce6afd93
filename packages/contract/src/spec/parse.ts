import type { z } from "zod";
import { ConstellationError } from "../errors/error.ts";
import { type AppSpec, appSchema } from "./app.ts";

/**
 * Parses what a user wrote into an {@link AppSpec}.
 *
 * @throws ConstellationError `spec.invalid`, listing every problem with its path and the value found
 */
export function parseApp(input: unknown): AppSpec {
  const result = appSchema.safeParse(input);
  const passedOver = result.success ? namesPassedOver(input) : [];
  if (result.success && passedOver.length === 0) return result.data;
  const name = nameOf(input);
  const problems = result.success ? passedOver : describeIssues(result.error.issues, input);
  throw new ConstellationError("spec.invalid", `The spec of ${name} is not valid: ${problems.join("; ")}`, {
    remedy: "Correct the spec; nothing was changed.",
    details: { problems },
  });
}

/** In records zod leaves out `__proto__` without a word: a variable, or a header, that was given and is not there. */
function namesPassedOver(value: unknown, path: readonly PropertyKey[] = []): string[] {
  if (typeof value !== "object" || value === null) return [];
  const here = Object.hasOwn(value, "__proto__") ? [`${placeOf(path)}: "__proto__" cannot be a name`] : [];
  return [...here, ...Object.entries(value).flatMap(([key, inner]) => namesPassedOver(inner, [...path, key]))];
}

/** One line for each problem: where, what was found, what is wanted. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], input: unknown): string[] {
  const lines = issues.flatMap((issue) =>
    issue.code === "invalid_union" ? describeUnion(issue, input) : [describe(issue, input)],
  );
  return [...new Set(lines)].slice(0, 20);
}

function describeUnion(issue: z.core.$ZodIssueInvalidUnion, input: unknown): string[] {
  // The branch that came furthest is the one that was meant.
  const best = [...issue.errors].sort(
    (a, b) => depth(b) - depth(a) || strange(a) - strange(b) || a.length - b.length,
  )[0];
  if (best === undefined || depth(best) === 0) return [describe({ ...issue, message: alternatives(issue) }, input)];
  return best.flatMap((inner) => describeIssues([{ ...inner, path: [...issue.path, ...inner.path] }], input));
}

/** What each branch of a union would have taken. */
function alternatives(issue: z.core.$ZodIssueInvalidUnion): string {
  const wanted = issue.errors.flatMap((branch) => branch.map(({ message }) => message));
  const words = wanted.map((message) =>
    message.replace(/^Invalid (?:input|option): expected /, "").replace(/, received .*$/, ""),
  );
  return `expected ${[...new Set(words)].join(", or ")}`;
}

/** Settings that a branch does not know: another one was meant. */
const strange = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.filter(({ code }) => code === "unrecognized_keys").length;

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(
    0,
    ...issues.map(
      (issue) => issue.path.length + (issue.code === "unrecognized_keys" || issue.code === "custom" ? 1 : 0),
    ),
  );

function describe(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code === "invalid_key") return describeKey(issue);
  const where = placeOf(issue.path);
  if (issue.code === "unrecognized_keys")
    return `${where} has no setting ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
  const found = valueAt(input, issue.path);
  const text = issue.message.replace(/^Invalid input: /, "");
  return issue.code === "custom" ? `${where}: ${text}` : `${where} is ${shorten(found)}: ${text}`;
}

/** A name in a record that can be none. */
function describeKey({ path, issues }: z.core.$ZodIssueInvalidKey): string {
  const wanted = issues.map(({ message }) => message).join(", and ");
  return `${placeOf(path.slice(0, -1))}: ${shorten(String(path.at(-1)))} ${wanted}`;
}

const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "") || "the spec";

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path)
    value = typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}

function shorten(value: unknown): string {
  const text = value === undefined ? "missing" : printable(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A value as text; what JSON cannot say (a function, a bigint, a cycle) is named by its type. */
function printable(value: unknown): string {
  try {
    return JSON.stringify(value) ?? `a ${typeof value}`;
  } catch {
    return `a ${typeof value}`;
  }
}

function nameOf(input: unknown): string {
  const name = valueAt(input, ["name"]);
  return typeof name === "string" ? JSON.stringify(name.slice(0, 60)) : "an app without a name";
}
