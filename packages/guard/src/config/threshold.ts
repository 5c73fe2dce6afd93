import { ConstellationError, parseBytes } from "@constellation/contract";

/** Where a run's memory limit lies. */
export type Threshold =
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "bytes"; readonly bytes: number };

/** Parses "80%", "6GB" or a number, which is percent. @throws ConstellationError usage.invalid */
export function parseThreshold(value: string | number): Threshold {
  const text = String(value).trim();
  const percent = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text)?.[1];
  if (percent !== undefined) {
    const share = Number(percent) / 100;
    if (share > 0 && share < 1) return { kind: "share", share };
  } else {
    const bytes = parseBytes(text);
    if (bytes > 0) return { kind: "bytes", bytes };
  }
  throw new ConstellationError(
    "usage.invalid",
    `Cannot use the memory threshold "${text}": wanted more than 0 % and less than 100 %, or a size such as "6GB"`,
  );
}
