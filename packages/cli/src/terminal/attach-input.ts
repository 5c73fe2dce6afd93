import type { ReadStream } from "node:fs";
import type { Exec } from "@constellation/sdk";

/**
 * Passes standard input, and the size of the terminal, to a program until the returned function is called.
 * With a terminal every key goes to the program, Ctrl-C too.
 */
export function attachInput(exec: Exec, tty: boolean): () => void {
  const { stdin, stdout } = process;
  if (tty) stdin.setRawMode(true);
  let attached = true;
  const data = (bytes: Buffer): void => {
    stdin.pause();
    void exec.write(bytes).then(() => attached && stdin.resume());
  };
  const end = (): void => exec.endInput();
  const resize = (): void => exec.resize(stdout.columns, stdout.rows);
  stdin.on("data", data);
  stdin.once("end", end);
  if (tty) stdout.on("resize", resize);
  return () => {
    attached = false;
    stdin.off("data", data);
    stdin.off("end", end);
    stdout.off("resize", resize);
    if (tty) stdin.setRawMode(false);
    letGo(stdin);
  };
}

/** Reads no more of it, and does not wait for it. A file, or /dev/null, is not what Node's types say of standard input. */
function letGo(stdin: NodeJS.ReadStream | ReadStream): void {
  stdin.pause();
  if ("unref" in stdin) stdin.unref();
  else stdin.destroy();
}
