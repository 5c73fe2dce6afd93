import { constants } from "node:os";

const numbers = new Map<string, number>(Object.entries(constants.signals));
// Two names for one number (SIGIOT, SIGPOLL): the first one wins, which is the usual one on Linux.
const names = new Map<number, string>();
for (const [name, number] of numbers) if (!names.has(number) || name === "SIGABRT") names.set(number, name);

/** `SIGTERM` for 15; a real-time signal, which has no name, is written by its number. */
export function signalName(number: number): string {
  return names.get(number) ?? `signal ${number}`;
}

/** 15 for `SIGTERM`. @throws RangeError for a name that this system does not have */
export function signalNumber(name: string): number {
  const number = numbers.get(name) ?? Number(/^signal (\d+)$/.exec(name)?.[1] ?? Number.NaN);
  if (Number.isInteger(number)) return number;
  throw new RangeError(`${JSON.stringify(name)} is not the name of a signal; write it like "SIGTERM"`);
}
