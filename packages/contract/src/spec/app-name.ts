/** Names of apps: a DNS label, so that they can be host names and parts of keys. */
export const appName = {
  pattern: /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
  wanted: 'must be 1 to 40 lower case letters, digits and "-", starting with a letter',
} as const;
