// The tasks of all pools that are compared.
export const noop = () => undefined;
export const echo = (value) => value;
export default (value) => value;
