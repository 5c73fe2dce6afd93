import { expectTypeOf, test } from "vitest";
import type { z } from "zod";
import type { appSummarySchema, changeSchema, logLineSchema, nodeSchema, versionSchema } from "../src/api/responses.ts";
import type { eventSchema } from "../src/events.ts";
import type {
  AppSummary,
  Change,
  Event,
  Exit,
  InstanceDetails,
  InstanceState,
  LogLine,
  NodeInfo,
  Sample,
  Version,
} from "../src/index.ts";
import type { exitSchema } from "../src/instance/exit.ts";
import type { instanceDetailsSchema } from "../src/instance/instance.ts";
import type { sampleSchema } from "../src/instance/sample.ts";
import type { instanceStateSchema } from "../src/instance/state.ts";

/** Without the difference between an interface and an object, or between one object and several that are joined. */
type Plain<T> = T extends (infer Item)[] ? Plain<Item>[] : T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T;
type OfSchema<T extends z.ZodType> = Plain<z.output<T>>;

// Users read the documented types; the schemas are what the API's document and what is kept on disk are made of.
test("what calls answer is documented as it is", () => {
  expectTypeOf<Plain<Version>>().toEqualTypeOf<OfSchema<typeof versionSchema>>();
  expectTypeOf<Plain<NodeInfo>>().toEqualTypeOf<OfSchema<typeof nodeSchema>>();
  expectTypeOf<Plain<Change>>().toEqualTypeOf<OfSchema<typeof changeSchema>>();
  expectTypeOf<Plain<AppSummary>>().toEqualTypeOf<OfSchema<typeof appSummarySchema>>();
  expectTypeOf<Plain<Exit>>().toEqualTypeOf<OfSchema<typeof exitSchema>>();
  expectTypeOf<Plain<InstanceState>>().toEqualTypeOf<OfSchema<typeof instanceStateSchema>>();
  expectTypeOf<Plain<InstanceDetails>>().toEqualTypeOf<OfSchema<typeof instanceDetailsSchema>>();
  expectTypeOf<Plain<Sample>>().toEqualTypeOf<OfSchema<typeof sampleSchema>>();
  expectTypeOf<Plain<LogLine>>().toEqualTypeOf<OfSchema<typeof logLineSchema>>();
  expectTypeOf<Plain<Event>>().toEqualTypeOf<OfSchema<typeof eventSchema>>();
});
