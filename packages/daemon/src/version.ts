/** Set by the bundler to the version of the published package. */
declare const CONSTELLATION_VERSION: string | undefined;

/** Version of this daemon: that of the published package. */
export const version: string = typeof CONSTELLATION_VERSION === "string" ? CONSTELLATION_VERSION : "0.1.0";
