import { ConstellationError, describeIssues, type ErrorCode, type Route } from "@constellation/contract";
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
  const { code, remedy } = part === "params" ? notFound(route) : invalid;
  throw new ConstellationError(code, `${route.method} ${route.path} cannot be done: ${problems.join("; ")}`, {
    remedy,
    details: { problems },
  });
}

const invalid = { code: "request.invalid", remedy: "Correct the request; nothing was changed." } as const;

function notFound(route: Route): { readonly code: ErrorCode; readonly remedy: string } {
  if (route.path.includes(":app")) return { code: "app.not-found", remedy: "`constellation ps` lists what there is." };
  if (route.path.includes(":instance"))
    return { code: "instance.not-found", remedy: "`constellation ps` lists what there is." };
  return invalid;
}
