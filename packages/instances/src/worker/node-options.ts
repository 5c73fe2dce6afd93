/**
 * Options of Node that change nothing but itself, so that it can wait with them. Left out is what loads code, which lies
 * where nothing is mounted yet, what writes files or opens ports, and what takes rights that waiting needs.
 */
const harmless = new Set([
  "--conditions",
  "--disable-warning",
  "--dns-result-order",
  "--enable-source-maps",
  "--max-http-header-size",
  "--max-old-space-size",
  "--max-semi-space-size",
  "--network-family-autoselection-attempt-timeout",
  "--no-deprecation",
  "--no-network-family-autoselection",
  "--no-warnings",
  "--preserve-symlinks",
  "--preserve-symlinks-main",
  "--stack-trace-limit",
  "--throw-deprecation",
  "--tls-max-v1.2",
  "--tls-max-v1.3",
  "--tls-min-v1.2",
  "--tls-min-v1.3",
  "--trace-deprecation",
  "--trace-uncaught",
  "--trace-warnings",
  "--unhandled-rejections",
  "--use-bundled-ca",
  "--use-openssl-ca",
]);

/** The first part of `NODE_OPTIONS` with which a Node cannot wait; null when it can with all of them. */
export function unfitOption(nodeOptions: string): string | null {
  // A value in quotes, or in a word of its own, may be anything.
  const words = nodeOptions.split(" ").filter((word) => word !== "");
  const unfit = words.find((word) => {
    const [name = "", value] = word.split("=", 2);
    const takesValue = /^--(?:conditions|disable-|dns-|max-|network-|stack-|unhandled-)/.test(name);
    return !harmless.has(name.replaceAll("_", "-")) || takesValue !== (value !== undefined) || word.includes('"');
  });
  return unfit ?? null;
}
