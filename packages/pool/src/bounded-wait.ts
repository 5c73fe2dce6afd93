/** Nothing that was told to end gets more time than this before it is reported. */
export const longestEndMs = 10_000;

/** Waits for the end of `what`, but not for ever: whoever closes must be able to go on, and told what stayed. */
export async function awaitEnd(ended: Promise<void>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      process.emitWarning(`${what} has not ended ${longestEndMs} ms after it was killed; it is left behind`);
      resolve();
    }, longestEndMs);
  });
  await Promise.race([ended, late]);
  clearTimeout(timer);
}
