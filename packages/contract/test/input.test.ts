import { expectTypeOf, test } from "vitest";
import type { z } from "zod";
import type { AppInput } from "../src/index.ts";
import { appSchema } from "../src/spec/app.ts";

type Schema = z.input<typeof appSchema>;
// One setting at a time, so that a difference is named by the compiler.
type Differences = {
  [Key in keyof Schema | keyof AppInput]: Key extends keyof Schema & keyof AppInput
    ? [Schema[Key], AppInput[Key]] extends [AppInput[Key], Schema[Key]]
      ? never
      : Key
    : Key;
}[keyof Schema | keyof AppInput];

test("what users write is what the schema takes", () => {
  expectTypeOf<Differences>().toEqualTypeOf<never>();
  expectTypeOf<Schema>().toExtend<AppInput>();
  expectTypeOf<AppInput>().toExtend<Schema>();
});
