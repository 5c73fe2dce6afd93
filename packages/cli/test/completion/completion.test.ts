import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandLine } from "../command-line.ts";
import { commands } from "../../src/registry.ts";

const names = commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name);

test("bash completes commands, options and names of subcommands", async () => {
  const { run, write } = await commandLine();
  const { out } = await run("completion", "bash");
  const complete = (...words: string[]): string[] =>
    execFileSync(
      "bash",
      [
        "--norc",
        "-c",
        `${out}\nCOMP_WORDS=(constellation ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _constellation; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ],
      { encoding: "utf8" },
    )
      .split("\n")
      .filter(Boolean);
  expect(complete("").sort()).toEqual([...names].sort());
  expect(complete("sta")).toEqual(["start"]);
  expect(complete("logs", "--f")).toEqual(["--follow"]);
  expect(complete("daemon", "ins").sort()).toEqual(["install"]);
  write("two words/deploy.ts", "");
  expect(complete("up", "tw")).toEqual(["two words"]);
  expect(complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(complete("test", "tw")).toEqual(["two words"]);
  expect(complete("create", "--script", "tw")).toEqual(["two words"]);
  expect(complete("daemon", "start", "--network", "")).toEqual(["as-is", "prepare"]);
  // A duration is nobody's name.
  expect(complete("logs", "--since", "")).toEqual([]);
});

test.each(["zsh", "fish"] as const)(
  "the script for %s names every command and parses where the shell is there",
  async (shell) => {
    const { run } = await commandLine();
    const { out } = await run("completion", shell);
    for (const name of names) expect(out).toContain(name);
    if (spawnSync(shell, ["-c", "true"]).status !== 0) return;
    expect(spawnSync(shell, ["-n"], { input: out, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  },
);

test("names for completion come from the daemon; without one there are none", async () => {
  const { run } = await commandLine();
  expect(await run("__complete", "apps")).toMatchObject({ code: 0, out: "", err: "" });
  await run("create", "--name=web", "--instances=2", "--", "x");
  expect((await run("__complete", "apps")).out).toBe("web\n");
  expect((await run("__complete", "instances")).out).toBe("web.1\nweb.2\n");
  expect((await run("__complete", "names")).out).toBe("web\nweb.1\nweb.2\n");
});
