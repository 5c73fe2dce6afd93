import type { Isolation } from "@constellation/contract";

/** The settings that a file tree of its own needs: it is read-only here, so that both are one. */
type RootSettings = Pick<Isolation, "mount" | "readOnlyRoot">;

/** The settings of a spec that take the file tree of its own from an instance. */
export function settingsWithoutRoot({ mount, readOnlyRoot }: RootSettings): readonly string[] {
  return [
    ...(mount === "off" ? ["isolation.mount"] : []),
    ...(readOnlyRoot === "off" ? ["isolation.readOnlyRoot"] : []),
  ];
}

/** What to do so that an instance has a file tree of its own, without a full stop. */
export function howToKeepRoot(settings: RootSettings): string {
  const off = settingsWithoutRoot(settings);
  return off.length === 0
    ? "Run `constellation doctor` to see why this machine has none"
    : `Leave ${off.join(" and ")} on`;
}
