import { caseOver, type Runner } from "../runner.ts";
import { basics } from "./basics.ts";
import { leasing } from "./leasing.ts";
import { walkAgainstModel } from "./model.ts";
import { refusals } from "./refusals.ts";
import { restarting } from "./restarting.ts";
import type { StateSubject } from "./subject.ts";
import { watching } from "./watching.ts";

export type { StateSubject } from "./subject.ts";

/** Registers every case that a state store must pass; `seeds` are random walks against a model. */
export function stateConformance(runner: Runner, open: () => Promise<StateSubject>, { seeds = 20 } = {}): void {
  const check = caseOver(runner, open);
  basics(check);
  refusals(check);
  watching(check);
  leasing(check);
  restarting(check);
  for (let seed = 1; seed <= seeds; seed += 1) {
    check(`random transactions agree with a model, seed ${seed}`, (subject) => walkAgainstModel(subject, seed));
  }
}
