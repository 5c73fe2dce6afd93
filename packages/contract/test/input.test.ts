import { expectTypeOf, test } from "vitest";
import type { z } from "zod";
import type { AppInput } from "../src/index.ts";
import type { appSchema } from "../src/spec/app.ts";

type Schema = z.input<typeof appSchema>;
/** Every path of settings, so that a difference deep inside is seen even where everything is optional. */
type Paths<T> = T extends readonly (infer Item)[]
  ? Paths<Item>
  : T extends object
    ? { [Key in keyof T & string]-?: Key | `${Key}.${Paths<NonNullable<T[Key]>>}` }[keyof T & string]
    : never;

test("what users write is what the schema takes", () => {
  expectTypeOf<Paths<Schema>>().toEqualTypeOf<Paths<AppInput>>();
  expectTypeOf<Schema>().toExtend<AppInput>();
  expectTypeOf<AppInput>().toExtend<Schema>();
});
