/** Version of the API; a daemon answers requests of its own major version. */
export const apiVersion = 1;

/** Header of every answer: the API version that the daemon speaks. */
export const apiVersionHeader = "constellation-api";
