// A module of its own: loaded only when there is YAML to read.
export { parse as parseYaml } from "yaml";
