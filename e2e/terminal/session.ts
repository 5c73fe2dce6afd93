import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { vi } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** A real terminal, in which a person types. */
export interface Session {
  readonly folder: string;
  readonly write: (name: string, text: string) => void;
  /** Types keys as tmux names them; text goes as it is. */
  readonly type: (...keys: string[]) => void;
  /** Types a command and Enter. */
  readonly command: (text: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** What the terminal shows, without empty lines at the end. */
  readonly screen: () => string;
  /** Waits until the screen matches. */
  readonly see: (pattern: RegExp) => Promise<string>;
  /** Runs the command outside of the terminal. */
  readonly constellation: (...argv: string[]) => string;
  readonly remove: () => void;
}

/** Opens a terminal of 100 by 30 with `constellation` on its path and a home of its own. */
export function openSession(): Session {
  const folder = mkdtempSync(join(tmpdir(), "ctm-"));
  // Instances are users of their own: they must be able to read their app's folder.
  chmodSync(folder, 0o755);
  const program = join(root, "packages/cli/dist/constellation.js");
  const environment = { ...process.env, CONSTELLATION_HOME: join(folder, "h") };
  writeFileSync(
    join(folder, "rc"),
    `PS1='$ '\nexport CONSTELLATION_HOME=${folder}/h\nunset NO_COLOR CI\ncd ${folder}\nconstellation() { '${process.execPath}' '${program}' "$@"; }\n`,
  );
  const tmux = (...argv: string[]): string =>
    execFileSync("tmux", ["-S", join(folder, "tmux"), "-f", "/dev/null", ...argv], { encoding: "utf8" });
  tmux("new-session", "-d", "-x", "100", "-y", "30", "-s", "main", `bash --rcfile ${folder}/rc`);
  const screen = (): string => tmux("capture-pane", "-p", "-t", "main").trimEnd();
  const type = (...keys: string[]): void => void tmux("send-keys", "-t", "main", ...keys);
  return {
    folder,
    write: (name, text) => writeFileSync(join(folder, name), text),
    type,
    command: (text) => type(text, "Enter"),
    resize: (columns, rows) => void tmux("resize-window", "-t", "main", "-x", String(columns), "-y", String(rows)),
    screen,
    see: (pattern) =>
      vi.waitFor(
        () => {
          const shown = screen();
          if (!pattern.test(shown)) throw new Error(`the terminal does not show ${String(pattern)}:\n${shown}`);
          return shown;
        },
        { timeout: 20_000, interval: 100 },
      ),
    constellation: (...argv) =>
      execFileSync(process.execPath, [program, ...argv], { encoding: "utf8", env: environment, cwd: folder }),
    remove: () => {
      tmux("kill-server");
      execFileSync(process.execPath, [program, "down", "--all"], { env: environment });
      execFileSync(process.execPath, [program, "daemon", "stop", "--instances"], { env: environment });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
