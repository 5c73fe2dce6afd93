import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { isEngineError, openSqliteState } from "../../src/index.ts";
import { scratch } from "../scratch.ts";

test("what the system refuses while a file is opened is told in words, and nothing stays open", async () => {
  const folder = scratch();
  const path = join(folder, "state.db");
  const refused = (where: string): void =>
    assert.throws(
      () => openSqliteState({ path: where }),
      (error) => isEngineError(error, "unavailable") && error.message.startsWith(`Cannot open ${where}: `),
    );
  mkdirSync(`${path}.owner`);
  refused(path);
  refused(path);
  writeFileSync(join(folder, "file"), "");
  refused(join(folder, "file", "state.db"));
  mkdirSync(join(folder, "folder.db"));
  refused(join(folder, "folder.db"));
});
