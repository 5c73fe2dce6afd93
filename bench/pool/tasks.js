// The tasks of all pools that are compared.
export const noop = () => undefined;
export const echo = (value) => value;
export const spin = (ms) => {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
};
export default (value) => value;
