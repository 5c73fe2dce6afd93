import { ConstellationError, describeIssues, type Route } from "@constellation/contract";
import type { z } from "zod";

/**
 * Parses one part of a request.
 *
 * @throws ConstellationError `request.invalid` with every problem; a name that no app or instance can have is simply not found
 */
export function parsePart(part: "params" | "query" | "request", route: Route, value: unknown): unknown {
  const schema: z.ZodType | undefined = route[part];
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = describeIssues(result.error.issues, value);
  const named = part === "params" ? namedBy(route) : null;
  const cannot = named === null ? `${route.method} ${route.path} cannot be done` : `There is no such ${named}`;
  throw new ConstellationError(
    named === null ? "request.invalid" : notFound[named],
    `${cannot}: ${problems.join("; ")}`,
    {
      remedy: named === null ? "Correct the request; nothing was changed." : "`constellation ps` lists what there is.",
      details: { problems },
    },
  );
}

const notFound = { app: "app.not-found", instance: "instance.not-found" } as const;

/** What the path of a route names. */
const namedBy = ({ path }: Route): keyof typeof notFound | null =>
  path.includes(":app") ? "app" : path.includes(":instance") ? "instance" : null;
