import { ConstellationError } from "@constellation/contract";

/** A setting in the daemon's environment has a value that nobody could mean. */
export const invalidSetting = (name: string, value: string, wanted: string): ConstellationError =>
  new ConstellationError("usage.invalid", `${name} is ${JSON.stringify(value)}; wanted ${wanted}`);

/** A setting asks for what only root may do. */
export const rootsSetting = (name: string, refusal: string): ConstellationError =>
  new ConstellationError("access.denied", refusal, { remedy: `Start the daemon as root, or leave ${name} out.` });
