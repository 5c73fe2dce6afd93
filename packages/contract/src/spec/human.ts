import * as z from "zod";

/** A schema for text with a unit: parses it with `parse` and turns its RangeError into an issue at the right path. */
export function human<Input extends string | number, Output>(
  input: z.ZodType<Input, Input>,
  parse: (value: Input) => Output,
) {
  return input.transform((value, context): Output => {
    try {
      return parse(value);
    } catch (error) {
      context.issues.push({
        code: "custom",
        message: error instanceof Error ? error.message : String(error),
        input: value,
      });
      return z.NEVER;
    }
  });
}
