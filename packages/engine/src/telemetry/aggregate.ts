import type { Point } from "./block.ts";
import type { Aggregate, MetricQuery, MetricRange } from "./telemetry.ts";

const maxSteps = 11_000;

/** Checks a metric query's bounds and says how many steps it has. @throws RangeError */
export function stepsOf({ fromMs, untilMs, stepMs }: MetricQuery): number {
  const steps = Math.ceil((untilMs - fromMs) / stepMs);
  if (Number.isSafeInteger(steps) && steps >= 0 && steps <= maxSteps && stepMs > 0) return steps;
  throw new RangeError(
    `Cannot answer from ${fromMs} until ${untilMs} in steps of ${stepMs} ms: give a range of 0 to ${maxSteps} steps`,
  );
}

/** Puts points into steps. */
export function inSteps(query: MetricQuery, points: Iterable<Point>): MetricRange {
  const { fromMs, untilMs, stepMs, aggregate = "average" } = query;
  const steps = Array.from({ length: stepsOf(query) }, (): Step | null => null);
  for (const { atMs, value } of points) {
    if (atMs < fromMs || atMs >= untilMs) continue;
    const index = Math.floor((atMs - fromMs) / stepMs);
    steps[index] = added(steps[index] ?? null, value);
  }
  return { fromMs, stepMs, values: steps.map((step) => (step === null ? null : valueOf(step, aggregate))) };
}

interface Step {
  readonly sum: number;
  readonly count: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly last: number;
}

function added(step: Step | null, value: number): Step {
  if (step === null) return { sum: value, count: 1, minimum: value, maximum: value, last: value };
  return {
    sum: step.sum + value,
    count: step.count + 1,
    minimum: Math.min(step.minimum, value),
    maximum: Math.max(step.maximum, value),
    last: value,
  };
}

function valueOf(step: Step, aggregate: Aggregate): number {
  return aggregate === "average" ? step.sum / step.count : step[aggregate];
}
