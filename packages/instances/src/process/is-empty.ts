import { countNames } from "@constellation/host";

/** Whether nothing lies in a folder. Looks for a first name only: an instance can make millions. */
export const isEmpty = (folder: string): boolean => countNames(folder, 0) === 0;
