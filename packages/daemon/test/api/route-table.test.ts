import { endpoints } from "@constellation/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RouteTable } from "../../src/api/route-table.ts";

const table = new RouteTable<string>();
for (const [name, { method, path }] of Object.entries(endpoints)) table.add(method, path, name);

test("every endpoint is found, with its parameters as they were meant", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.entries(endpoints)), fc.string({ minLength: 1 }), ([name, route], word) => {
      const path = route.path.replace(/:\w+/, () => encodeURIComponent(word));
      const parameter = /:(\w+)/.exec(route.path)?.[1];
      const params = parameter === undefined ? {} : { [parameter]: word };
      expect(table.match(route.method, path)).toEqual({ handler: name, params });
    }),
  );
});

test("what is no path of the contract is not found", () => {
  const patterns = Object.values(endpoints).map(
    ({ method, path }) => new RegExp(`^${method} ${path.replaceAll(".", "\\.").replace(/:\w+/, "[^/]+")}$`),
  );
  const word = fc.constantFrom("v1", "apps", "web", "stop", "instances", "exec", "", ".", ":app", "__proto__", "a%2Fb");
  const path = fc.array(word, { maxLength: 6 }).map((words) => `/${words.join("/")}`);
  fc.assert(
    fc.property(fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"), path, (method, target) => {
      const isThere = patterns.some((pattern) => pattern.test(`${method} ${target}`));
      expect(table.match(method, target) !== undefined).toBe(isThere);
    }),
    { numRuns: 1000 },
  );
});
