import { expect, test } from "vitest";
import { openApiDocument } from "../src/api/openapi.ts";

const { paths } = openApiDocument("1.0.0") as { paths: Record<string, Record<string, unknown>> };

test("bytes are what is sent, and are answered with JSON", () => {
  expect(paths["/v1/artifacts/{sha256}"]?.["put"]).toMatchObject({
    requestBody: { content: { "application/octet-stream": {} } },
    responses: { 200: { content: { "application/json": { schema: { type: "object" } } } } },
  });
});

test("what answers without a body fails without one", () => {
  const head = paths["/v1/artifacts/{sha256}"]?.["head"] as { responses: Record<string, object> } | undefined;
  expect(head?.responses["default"]).not.toHaveProperty("content");
});
