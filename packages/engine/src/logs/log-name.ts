import { checkKey, isUnder } from "../state/key.ts";
import type { LogFilter, LogFollow, LogQuery } from "./log-store.ts";

/** Whether the filter chooses the instance. */
export function chooses({ instances, under = "" }: LogFilter, instance: string): boolean {
  return isUnder(under, instance) && (instances === undefined || instances.includes(instance));
}

/** Checks names and bounds. @throws EngineError `bad-key`; RangeError */
export function checkLogRequest(request: LogQuery & LogFollow): void {
  for (const instance of request.instances ?? []) checkKey(instance);
  if (request.under !== undefined && request.under !== "") checkKey(request.under);
  const { tail, limit, from } = request;
  if (tail !== undefined && limit !== undefined) {
    throw new RangeError(`Cannot read logs with tail ${tail} and limit ${limit}: give one of them`);
  }
  for (const count of [tail, limit, from !== undefined && "tail" in from ? from.tail : undefined]) {
    if (count === undefined || (Number.isSafeInteger(count) && count >= 0 && count <= maxTail)) continue;
    throw new RangeError(`Cannot read ${count} lines of log: give a whole number from 0 to ${maxTail}`);
  }
}

/** Lines of a tail at most; they are held in memory. */
const maxTail = 1_000_000;
