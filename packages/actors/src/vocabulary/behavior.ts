/** What a handler may give back: the next state, nothing (the state object stays), or a promise of either. */
export type Next<State> = State | undefined | void | Promise<State | undefined | void>;

/** Returned by `onStart` to say: nothing to do here, and that is not a failure (OTP's `ignore`). */
export const ignore: unique symbol = Symbol("ignore");
export type Ignore = typeof ignore;

/** A kind of actor, ready to be spawned. Made by `actor()` or `supervisor()`. */
export interface Behavior<in Message, in Args = void> {
  readonly kind: string;
  /** Only for the type checker. */
  readonly accepts?: (message: Message, args: Args) => void;
}
