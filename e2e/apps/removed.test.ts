import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Home } from "./home.ts";

let home: Home;
beforeEach(() => void (home = new Home()));
afterEach(() => home.close(), 60_000);

const data = (): string[] => (existsSync(join(home.home, "data")) ? readdirSync(join(home.home, "data")).sort() : []);
const job = (name: string, text: string) => ({ name, command: ["sh", "-c", text], restart: "never" as const });

/** Names that hold a number: each line of the file gives one or takes it back. */
function numbered(): string[] {
  const held = new Set<string>();
  for (const line of readFileSync(join(home.home, "numbers.jsonl"), "utf8").split("\n").filter(Boolean)) {
    const [name, number] = JSON.parse(line) as [string, number | null];
    if (number === null) held.delete(name);
    else held.add(name);
  }
  return [...held].sort();
}

test("what wrote nothing leaves nothing; what did keeps its data, until that is removed by the app's name", async () => {
  home.spec(job("mute", "exit 0"), job("writer", "echo kept > $DATA_DIR/note"), job("other", "echo x > $DATA_DIR/x"));
  await home.ok("up");
  expect(numbered()).toEqual(["mute.1", "other.1", "writer.1"]);
  await home.ok("down");
  expect(data()).toEqual(["other.1", "writer.1"]);
  expect(numbered()).toEqual(["other.1", "writer.1"]);

  // A log is left of the one, data and a log of the others.
  const typo = await home.constellation("rm", "--data", "writer", "riter");
  expect(typo).toMatchObject({ status: 3, err: expect.stringContaining("riter") as string });
  expect(data()).toEqual(["other.1"]);
  expect(await home.ok("down", "--data")).toBe("Removed other\nRemoved mute\n");
  expect(data()).toEqual([]);
  expect(numbered()).toEqual([]);
  expect(await home.ok("down", "--data")).toBe("Nothing to remove.\n");
}, 60_000);
