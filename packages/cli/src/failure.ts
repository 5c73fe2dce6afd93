import { ConstellationError, exitCodes } from "@constellation/contract";
import type { Context } from "./context.ts";
import { suggestName } from "./suggest.ts";
import { printable } from "./terminal/width.ts";

/** Tells a failure to people, or to a program with `--json`, and gives the exit code of its row in the table. */
export async function reportFailure(
  thrown: unknown,
  argv: readonly string[],
  context: Context,
  json: boolean,
): Promise<number> {
  const error = thrown instanceof ConstellationError ? thrown : bug(thrown);
  const suggestion = await suggestName(error, argv, context);
  const remedy = suggestion ?? error.remedy;
  if (json) {
    context.err.line(JSON.stringify({ error: { ...error.toJSON(), ...(remedy === undefined ? {} : { remedy }) } }));
  } else {
    const { style } = context.err;
    context.err.line(
      `${style("bad", error.code === "call.cancelled" ? "Interrupted:" : "Error:")} ${printable(error.message)}`,
    );
    if (remedy !== undefined) context.err.line(style("dim", printable(remedy)));
    if (error.code === "internal.bug") context.err.line(style("dim", stackOf(thrown)));
  }
  return exitCodes[error.traits.exit].code;
}

function bug(thrown: unknown): ConstellationError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ConstellationError("internal.bug", message, { cause: thrown, remedy: "Please report this." });
}

const stackOf = (thrown: unknown): string =>
  thrown instanceof Error && !(thrown instanceof ConstellationError) ? (thrown.stack ?? "") : "";
