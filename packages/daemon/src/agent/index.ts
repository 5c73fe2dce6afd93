/** This node's agent: its allocations become instances, each kept by an actor; what they do is observed here. */
export { agentActor, type AgentMessage, type StartInstance } from "./agent-actor.ts";
export { FirstRuns } from "./first-runs.ts";
export { actorNameOf, instanceActor, type InstanceMessage } from "./instance-actor.ts";
export type { KeeperArgs } from "./keeper-args.ts";
export { isAlive, type LiveRun, Observations, type ObservedInstance } from "./observations.ts";
export type { AgentParts, ArtifactSource, PortSource } from "./parts.ts";
