/** Tells of every key pressed, without waiting for Enter, until the returned function is called. */
export function readKeys(pressed: (key: string) => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  const data = (bytes: Buffer): void => {
    for (const key of bytes.toString("utf8")) pressed(key);
  };
  stdin.setRawMode(true);
  stdin.on("data", data);
  return () => {
    stdin.off("data", data);
    stdin.setRawMode(false);
    stdin.pause();
    stdin.unref();
  };
}
