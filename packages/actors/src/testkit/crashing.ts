import type { Script } from "../cell/cell.ts";
import { ActorScript } from "../cell/actor-script.ts";
import { type Behavior } from "../vocabulary/behavior.ts";

/** When a behaviour is to fail; counted over all actors that share it, restarts included. */
export interface CrashPlan {
  /** Throw instead of handling these messages, counted from 1. */
  readonly onMessages?: readonly number[];
  /** Fail these starts, counted from 1. */
  readonly onStarts?: readonly number[];
}

/** The fault that was asked for. */
export class InjectedCrash extends Error {
  override readonly name = "InjectedCrash";
}

/** A copy of `behavior` that fails when the plan says so. Not for supervisors. */
export function crashing<Message, Args>(behavior: Behavior<Message, Args>, plan: CrashPlan): Behavior<Message, Args> {
  const script = behavior as unknown as Script;
  if (!(script instanceof ActorScript) || script.interpreter !== null)
    throw new TypeError(`Cannot inject crashes into ${behavior.kind}: wanted a behaviour made by actor()`);
  let messages = 0;
  let starts = 0;
  const countStart = (): void => {
    starts += 1;
    if (plan.onStarts?.includes(starts) === true) throw new InjectedCrash(`start ${starts} was to fail`);
  };
  return new ActorScript({
    ...definitionOf(script),
    onStart: (args, context) => {
      countStart();
      return script.onStart?.(args, context);
    },
    ...(script.onRestart === null
      ? {}
      : {
          onRestart: (args, reason, context) => {
            countStart();
            return script.onRestart?.(args, reason, context);
          },
        }),
    receive: (state, message, context) => {
      messages += 1;
      if (plan.onMessages?.includes(messages) === true) throw new InjectedCrash(`message ${messages} was to crash`);
      return script.receive(state, message, context);
    },
  });
}

function definitionOf(
  script: Script,
): Pick<ConstructorParameters<typeof ActorScript>[0], "kind" | "trapExits" | "mailbox"> {
  const { kind, trapExits, limits, onSignal, onStop } = script;
  const { capacity, overflow, priority } = limits;
  return {
    kind,
    trapExits,
    mailbox: { capacity, overflow, ...(priority === null ? {} : { priority }) },
    ...(onSignal === null ? {} : { onSignal }),
    ...(onStop === null ? {} : { onStop }),
  };
}
