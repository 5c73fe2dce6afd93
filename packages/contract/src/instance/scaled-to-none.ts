/** What the `detail` of an app says that is wanted running, with no instances, and has none. One that was stopped is not that. */
export const scaledToNone = "scaled to 0";
