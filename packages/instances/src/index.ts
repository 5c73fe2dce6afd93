/** The instances package; see ARCHITECTURE.md for its place in the house. */
export const packageName = "instances";
