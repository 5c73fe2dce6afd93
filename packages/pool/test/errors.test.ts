import { describe, expect, it } from "vitest";
import { type Placement, type Pool } from "@constellation/pool";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const { open } = watchedPools({ module, workers: 1 });

async function failure(pool: Pool, how: string): Promise<Error & Record<string, unknown>> {
  return (await pool.run("fail", how).catch((error: unknown) => error)) as Error & Record<string, unknown>;
}

describe.each<Placement>(["thread", "process", "inline"])("an error of a task in a %s", (placement) => {
  it("is of the class of the language that it was of", async () => {
    const pool = await open({ placement });
    expect(await failure(pool, "native")).toBeInstanceOf(TypeError);
    const own = await failure(pool, "own");
    expect(own).toBeInstanceOf(TypeError);
    expect(own.name).toBe("Problem");
    const many = await failure(pool, "any");
    expect(many).toBeInstanceOf(AggregateError);
    expect(many).toMatchObject({ errors: [{ name: "RangeError", message: "one" }, { message: "two" }] });
  });

  it("keeps what else it says, as far as that can be copied", async () => {
    const pool = await open({ placement });
    expect(await failure(pool, "file")).toMatchObject({ code: "ENOENT", syscall: "open", path: "/nowhere/at/all" });
    const own = await failure(pool, "own");
    expect(own).toMatchObject({ loc: { line: 3, column: 7 }, at: new Date(0), cause: { status: 500 } });
    expect(own).not.toHaveProperty("again");
    expect(await failure(pool, "value")).toMatchObject({ message: 'thrown: {"status":404}', cause: { status: 404 } });
  });

  it("that cannot be looked at, or goes in circles, ends nobody", async () => {
    const pool = await open({ placement });
    expect(await failure(pool, "getter")).toMatchObject({ message: expect.stringMatching(/throws when/) as string });
    expect(await failure(pool, "circle")).toMatchObject({ message: "round" });
    expect(pool.snapshot()[0]?.counts.crashes).toBe(0);
  });
});
