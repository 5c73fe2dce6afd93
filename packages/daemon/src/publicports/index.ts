/** Public ports: one small process owns each; opened, adopted, balanced and given up here. */
export { publicPortsActor, type PublicPortsMessage } from "./actor.ts";
export { PublicPorts, type PublicPortsParts } from "./public-ports.ts";
