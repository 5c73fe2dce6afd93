/** Decisions without I/O: an immutable snapshot goes in, a plan comes out. The daemon's folders of the same names carry them out. */
export { changeOf, type Fit, fitOf, type KnownApp, type Revision } from "./changes/change.ts";
export { describeDifference, type Difference, differences } from "./changes/difference.ts";
export { type Effect, effectOf } from "./changes/effect.ts";
export { orphansOf, type SourcedApp } from "./changes/orphans.ts";
export { type DependencyState, unmetDependency } from "./dependencies/conditions.ts";
export { checkDependencies, type Depending, startLayers, stopLayers } from "./dependencies/graph.ts";
export { place } from "./placement/place.ts";
export { checkCapacity } from "./placement/refusal.ts";
export type { Excess, NodeCapacity, PlacementVerdict } from "./placement/verdict.ts";
export {
  type ActualInstance,
  type Progress,
  type ProgressInput,
  progressOf,
  settleMsOf,
  type Wish,
} from "./rollout/actual.ts";
export { planRollout, type RolloutAction, type RolloutGoal } from "./rollout/plan.ts";
export { type StatusInput, type StatusInstance, summarise } from "./status/summarise.ts";
