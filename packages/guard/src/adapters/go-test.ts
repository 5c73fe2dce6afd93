import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { ConstellationError } from "@constellation/contract";
import {
  type Adapter,
  type AdapterRequest,
  type GuestUnit,
  longestArgument,
  type OutputEvent,
  type OutputReader,
} from "./adapter.ts";

/**
 * Go, one `go test -json` for each package: names of tests are known only within theirs. Top-level tests are what a resumed
 * run passes over; sub-tests belong to them.
 */
export const goTest: Adapter = {
  name: "go-test",
  shape: "files",
  results: { stream: "stdout", reader: ({ file }) => readGoJson(file) },
  hash: packageHash,
  units(request) {
    const { root, args, paths, exclude, jobs } = request;
    const left = new Set(exclude);
    const { flags, patterns } = splitGoArgs(args);
    const wanted = paths.length > 0 ? paths : patterns.length > 0 ? patterns : ["./..."];
    return packagesOf(root, wanted, flags)
      .filter((folder) => !left.has(folder))
      .map((folder): GuestUnit => {
        const subset = subsetFlags(request, folder, flags, join(root, folder));
        const width =
          jobs === undefined || flags.some((flag) => /^--?parallel/.test(flag)) ? [] : [`-parallel=${jobs}`];
        return {
          file: folder,
          title: folder,
          program: "go",
          args: ["test", "-json", ...flags, ...width, ...subset, `./${folder}`],
          environment: placeOf(root),
        };
      });
  },
};

/** Flags of `go test` that take their value as the next word. */
const withValue =
  /^--?(run|skip|bench|benchtime|count|covermode|coverpkg|coverprofile|cpu|cpuprofile|exec|fuzz|ldflags|gcflags|asmflags|list|memprofile|mod|o|outputdir|p|parallel|shuffle|tags|timeout|trace|vet)$/;

/** Splits what follows `go test` into flags and patterns of packages. */
export function splitGoArgs(words: readonly string[]): { readonly flags: string[]; readonly patterns: string[] } {
  const flags: string[] = [];
  const patterns: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "-json" || word === "test") continue;
    if (!word.startsWith("-")) patterns.push(word);
    else {
      flags.push(word);
      if (withValue.test(word)) flags.push(words[(at += 1)] ?? "");
    }
  }
  return { flags, patterns };
}

/** Go believes PWD, which may name the folder by a link: it would answer with other paths than ours. */
const placeOf = (root: string): { readonly PWD: string } => ({ PWD: root });

function packagesOf(root: string, patterns: readonly string[], flags: readonly string[]): string[] {
  const tags = flags.flatMap((flag, at) =>
    /^--?tags$/.test(flag) ? [`-tags=${flags[at + 1] ?? ""}`] : /^--?tags=/.test(flag) ? [flag] : [],
  );
  const template = "{{.Dir}}\t{{len .TestGoFiles}}\t{{len .XTestGoFiles}}";
  const listed = spawnSync("go", ["list", "-e", ...tags, "-f", template, ...patterns.map(asPattern)], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...placeOf(root) },
  });
  if (listed.status !== 0)
    throw new ConstellationError(
      "exec.failed",
      `Cannot list the Go packages of ${root}: ${listed.error?.message ?? listed.stderr.trim()}`,
      { remedy: "Install Go, or name another framework with --framework." },
    );
  return listed.stdout
    .split("\n")
    .filter(Boolean)
    .flatMap((line) => {
      const [dir = "", inside = "0", outside = "0"] = line.split("\t");
      // Packages without tests have nothing to guard.
      return inside === "0" && outside === "0" ? [] : [relative(root, dir).split(sep).join("/") || "."];
    });
}

const asPattern = (path: string): string => (/^[./]/.test(path) ? path : `./${path}`);

/** Which tests of a package are left. `-skip` is new in Go 1.20; before, those that are left are named. */
function subsetFlags({ finished }: AdapterRequest, folder: string, flags: readonly string[], dir: string): string[] {
  const done = new Set((finished.get(folder) ?? []).map(([path]) => path[0] ?? ""));
  if (done.size === 0) return [];
  const picks = (name: string): boolean => flags.some((flag) => new RegExp(`^--?${name}(=|$)`).test(flag));
  if (goMinor() >= 20 && !picks("skip")) return fitting(`-skip=${anyOf(done)}`);
  if (picks("run")) return [];
  const left = testNames(dir).filter((name) => !done.has(name));
  return fitting(`-run=${anyOf(left)}`);
}

/** What the kernel would not take as an argument is not said: the package runs again. */
const fitting = (flag: string): string[] => (flag.length <= longestArgument ? [flag] : []);

const anyOf = (names: Iterable<string>): string => `^(${[...names].join("|")})$`;

/** Tests, examples and fuzz tests that a package's files declare, whatever they are built for. */
function testNames(dir: string): string[] {
  const files = readdirSync(dir).filter((name) => name.endsWith("_test.go"));
  return files.flatMap((name) =>
    [...readFileSync(join(dir, name), "utf8").matchAll(/^func ((?:Test|Example|Fuzz)\w*)\s*\(/gm)].map(
      ([, test = ""]) => test,
    ),
  );
}

let minor: number | undefined;

function goMinor(): number {
  minor ??= Number(/go1\.(\d+)/.exec(spawnSync("go", ["version"], { encoding: "utf8" }).stdout)?.[1] ?? 0);
  return minor;
}

/** A package is what lies in its folder: code and tests alike. */
function packageHash(root: string): (folder: string) => string {
  return (folder) => {
    try {
      const hash = createHash("sha256");
      const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".go"));
      for (const name of names.sort()) hash.update(`\0${name}\0`).update(readFileSync(join(root, folder, name)));
      return hash.digest("hex").slice(0, 16);
    } catch {
      return "unreadable";
    }
  };
}

interface GoEvent {
  readonly Action?: string;
  readonly Test?: string;
  readonly Elapsed?: number;
  readonly Output?: string;
}

/** Reads what test2json writes (`go doc test2json`). Shows what `go test` without flags shows. */
export function readGoJson(file: string): OutputReader {
  const outputs = new Map<string, string>();
  return {
    line(text): readonly OutputEvent[] {
      let event: GoEvent;
      try {
        event = JSON.parse(text) as GoEvent;
      } catch {
        // A build that fails is reported in plain words.
        return [{ kind: "show", text: `${text}\n` }];
      }
      const { Action, Test, Elapsed = 0, Output = "" } = event;
      const [top] = Test?.split("/") ?? [];
      if (Action === "output" || Action === "build-output") {
        if (top === undefined) return [{ kind: "show", text: Output }];
        outputs.set(top, ((outputs.get(top) ?? "") + Output).slice(-8000));
        return [];
      }
      if (top === undefined || Test !== top || !(Action === "pass" || Action === "fail" || Action === "skip"))
        return [];
      const said = outputs.get(top) ?? "";
      outputs.delete(top);
      const status = Action === "pass" ? "passed" : Action === "fail" ? "failed" : "skipped";
      return [
        {
          kind: "test",
          file,
          path: [top],
          status,
          ms: Elapsed * 1000,
          ...(status === "failed" ? { error: said } : {}),
        },
        ...(status === "failed" ? [{ kind: "show" as const, text: said }] : []),
      ];
    },
  };
}
