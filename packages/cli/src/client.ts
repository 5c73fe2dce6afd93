/** What the context loads when a command first asks for the daemon, and nothing else of the SDK. */
export { Constellation } from "@constellation/sdk";
