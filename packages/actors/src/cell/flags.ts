// The state of a cell as bits of one small integer: the hot path tests several of them at once.

/** In the run queue, or running right now. */
export const QUEUED = 1;
/** Its own code is on the stack. */
export const RUNNING = 2;
/** `onStart` returned a promise that has not settled. */
export const STARTING = 4;
/** A handler returned a promise that has not settled. */
export const BUSY = 8;
/** Told to end; children and `onStop` may still be going on. */
export const STOPPING = 16;
export const DEAD = 32;
/** Something waits in the system lane. */
export const SIGNALS = 64;
/** Its mailbox is a heap ordered by priority. */
export const PRIORITY = 128;
/** Messages are wrapped in envelopes that carry a trace context. */
export const TRACED = 256;
/** Hooks want to see each message. */
export const OBSERVED = 512;
/** Exits of linked actors are delivered instead of ending it. */
export const TRAPS_EXITS = 1024;
/** A supervisor: it interprets its system lane itself. */
export const SUPERVISOR = 2048;
/** It crashed a moment ago and was restarted: errors are made without a stack. */
export const TERSE = 4096;
/** A receive timeout is set: handled messages must be noticed. */
export const IDLE_WATCHED = 8192;
/** A message faults are injected into, or whose mailbox a test watches. */
export const INTERCEPTED = 16384;

/** To be ended without `onStop` as soon as its code is off the stack. */
export const KILLED = 32768;
/** Its children were told to end. */
export const CHILDREN_TOLD = 65536;
/** `onStart` has succeeded: there is a state that `onStop` can be given. */
export const STARTED = 131072;
/** `onStart` said `ignore`. */
export const IGNORED = 262144;

/** A supervisor whose first children are still being started: it listens, unlike an actor in `onStart`. */
export const STARTING_CHILDREN = 524288;

/** Messages must be handled one by one, with a look at everything that is unusual about the actor. */
export const CAREFUL = PRIORITY | TRACED | OBSERVED | TERSE | IDLE_WATCHED;
/** A send must take the slow way. */
export const SLOW_SEND = DEAD | STOPPING | PRIORITY | TRACED | INTERCEPTED;
/** Already queued, or cannot handle a message now, so that a send must not queue it. */
export const NOT_WAKEABLE = QUEUED | STARTING | BUSY | STOPPING | DEAD;
/** Must not be given a user message. */
export const NOT_RECEIVING = STARTING | BUSY | STOPPING | DEAD;
/** Must not be given a signal. */
export const NOT_LISTENING = STARTING | BUSY | DEAD;
