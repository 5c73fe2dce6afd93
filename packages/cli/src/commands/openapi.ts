export function define(): void {
  throw new Error("soon");
}
