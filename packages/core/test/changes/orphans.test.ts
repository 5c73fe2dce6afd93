import { orphansOf } from "@constellation/core";
import fc from "fast-check";
import { expect, test } from "vitest";

const name = fc.constantFrom("a", "b", "c", "d");
const file = fc.constantFrom("/x/deploy.ts", "/y/deploy.ts");

test("orphans are exactly the apps of that file that it does not describe; without a file there are none", () => {
  const apps = fc.uniqueArray(fc.record({ name, source: fc.option(file) }), { selector: (app) => app.name });
  fc.assert(
    fc.property(apps, fc.option(file, { nil: undefined }), fc.uniqueArray(name), (known, source, described) => {
      const orphans = orphansOf(known, source, described);
      for (const app of known) {
        const isOrphan = source !== undefined && app.source === source && !described.includes(app.name);
        expect(orphans.includes(app.name)).toBe(isOrphan);
      }
      expect(orphans.length).toBeLessThanOrEqual(known.length);
    }),
  );
});
