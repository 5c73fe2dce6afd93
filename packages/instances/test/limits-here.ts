import { openCgroupBase, removeCgroupBase } from "@constellation/host";

/** Whether control groups can be made by whoever runs the tests: by root, and by a user to whom version 2 is delegated. */
export const limitsHere = canLimit();

function canLimit(): boolean {
  const opened = openCgroupBase({ name: `constellation-test-${process.pid}-look` });
  return opened.kind === "ready" && removeCgroupBase(opened.base);
}
