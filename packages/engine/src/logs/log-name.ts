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
  for (const atMs of [request.sinceMs, request.untilMs, from !== undefined && "sinceMs" in from ? from.sinceMs : 0]) {
    if (atMs === undefined || (atMs >= 0 && atMs <= latestMs)) continue;
    throw new RangeError(`Cannot read the log at ${String(atMs)}: give Unix milliseconds from 0 to ${latestMs}`);
  }
}

// As text a later time has more digits of its year, and would no longer sort behind the earlier ones.
const latestMs = Date.UTC(10_000, 0, 1) - 1;

/** Lines of a tail at most; they are held in memory. */
const maxTail = 1_000_000;
