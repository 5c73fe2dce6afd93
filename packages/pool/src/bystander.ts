/**
 * Code of others that is told something in the middle of our work. What it throws is an uncaught error of theirs, and keeps
 * neither the rest of a message nor a worker from getting on.
 */
export function bystander<T>(listener: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      listener(value);
    } catch (error) {
      throwLater(error);
    }
  };
}

/** Makes it an uncaught error, after what is being done now. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
