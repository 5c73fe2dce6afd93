import { type Constellation, ConstellationError } from "@constellation/sdk";

/**
 * Does something to the instance that a word means: an app means its first one.
 *
 * @throws ConstellationError `app.not-found` when an app was named that is not there; what `act` throws
 */
export async function onFirstInstance<T>(
  daemon: Constellation,
  word: string,
  signal: AbortSignal,
  act: (instance: string) => Promise<T>,
): Promise<T> {
  if (word.includes(".")) return act(word);
  try {
    return await act(`${word}.1`);
  } catch (error) {
    // Whoever named an app hears of the app when that is what is missing.
    if (error instanceof ConstellationError && error.code === "instance.not-found") await daemon.app(word, { signal });
    throw error;
  }
}
