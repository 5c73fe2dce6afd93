/** The engine package; see ARCHITECTURE.md for its place in the house. */
export const packageName = "engine";
