/** A number of things, in words: `1 instance`, `2 instances`. */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`;
