import * as z from "zod";
import { errorCodes } from "../errors/codes.ts";
import { appSchema } from "../spec/app.ts";
import { apiVersion } from "./version.ts";
import type { BodyForm } from "./endpoints.ts";
import { bytesSchema, responses } from "./responses.ts";
import { type Route, type RouteName, routes } from "./routes.ts";

const mediaTypes: Record<BodyForm, string> = {
  json: "application/json",
  "json-lines": "application/x-ndjson",
  bytes: "application/octet-stream",
  text: "text/plain",
  websocket: "application/octet-stream",
  none: "application/octet-stream",
};

/** The OpenAPI 3.1 document of the daemon's API, made from the route table. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(name as RouteName, route);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Constellation", version, description: `API version ${apiVersion}, served on a Unix socket.` },
    paths,
    components: { schemas: { App: toSchema(appSchema), Error: errorSchema } },
  };
}

const errorSchema = {
  type: "object",
  required: ["code", "message"],
  properties: {
    code: { enum: Object.keys(errorCodes) },
    message: { type: "string" },
    remedy: { type: "string" },
    details: { type: "object" },
  },
};

function operation(name: RouteName, route: Route): Record<string, unknown> {
  const response = responses[name];
  const error = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return {
    operationId: name,
    summary: route.summary,
    parameters: [...parameters("path", route.params), ...parameters("query", route.query)],
    ...requestBody(route),
    responses: {
      [route.form === "websocket" ? "101" : "200"]: {
        description: route.summary,
        ...(response === null
          ? {}
          : { content: { [mediaTypes[route.form]]: { schema: toSchema(response, "output") } } }),
      },
      default: {
        description: "What went wrong",
        ...(route.form === "none" ? {} : { content: error }),
      },
    },
  };
}

function requestBody({ request, takesBytes }: Route): Record<string, unknown> {
  if (takesBytes === true)
    return { requestBody: { required: true, content: { [mediaTypes.bytes]: { schema: toSchema(bytesSchema) } } } };
  if (request === undefined) return {};
  return { requestBody: { required: true, content: { [mediaTypes.json]: { schema: toSchema(request) } } } };
}

function parameters(where: "path" | "query", schema: z.ZodType | undefined): unknown[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = toSchema(schema) as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: property,
  }));
}

function toSchema(schema: z.ZodType, io: "input" | "output" = "input"): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Record<string, unknown>;
  return rest;
}
