import { ActorScript } from "../cell/actor-script.ts";
import { type Behavior } from "../vocabulary/behavior.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { SupervisorInterpreter, type OptionsFor } from "./interpreter.ts";
import type { AnySupervisorOptions, DynamicSupervisorOptions, SupervisorOptions } from "./supervisor-options.ts";
import { checkSupervisor } from "./validate.ts";

declare const dynamic: unique symbol;

/** A supervisor with a list of children, ready to be started with `supervise` or as a child of another. */
export interface SupervisorBehavior<in Args = void> extends Behavior<never, Args> {
  readonly interpreter: unknown;
}

/** A dynamic supervisor: it knows what its children take. */
export interface DynamicSupervisorBehavior<
  in out Message,
  in out ChildArgs,
  in Args = void,
> extends SupervisorBehavior<Args> {
  /** Only for the type checker. */
  readonly [dynamic]?: (message: Message, args: ChildArgs) => [Message, ChildArgs];
}

/**
 * Makes a supervisor. Its options may be made, at each start, from the `args` it is started with and its own ref.
 *
 * @throws SupervisorSpecError naming the value that cannot be.
 * @example
 * const app = supervisor({
 *   strategy: "rest_for_one",
 *   intensity: { restarts: 3, periodMs: 5000 },
 *   children: [child({ id: "store", start: store }), child({ id: "api", start: api, args: { port: 80 } })],
 * });
 */
export function supervisor<Message, ChildArgs, Args = void>(
  options:
    | DynamicSupervisorOptions<Message, ChildArgs>
    | ((args: Args, self: ActorRef<never>) => DynamicSupervisorOptions<Message, ChildArgs>),
): DynamicSupervisorBehavior<Message, ChildArgs, Args>;
export function supervisor<Args = void>(
  options: SupervisorOptions | ((args: Args, self: ActorRef<never>) => SupervisorOptions),
): SupervisorBehavior<Args>;
export function supervisor(
  options: AnySupervisorOptions | ((args: never, self: ActorRef<never>) => AnySupervisorOptions),
): SupervisorBehavior<never> {
  if (typeof options !== "function") {
    checkSupervisor(options);
    return script(options.kind, () => options);
  }
  return script(undefined, (args, self) => {
    const made = options(args as never, self);
    checkSupervisor(made);
    return made;
  });
}

function script(kind: string | undefined, options: OptionsFor): SupervisorBehavior<never> {
  const definition = { kind: kind ?? "supervisor", trapExits: true, receive: () => undefined };
  return new ActorScript(definition, new SupervisorInterpreter(options));
}
