import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

// Each start leaves a line in the instance's data folder: what the reboot must keep.
const file = join(process.env.DATA_DIR, "starts");
appendFileSync(file, "started\n");
const starts = readFileSync(file, "utf8").split("\n").length - 1;
createServer((_, response) =>
  response.end(`${process.env.INSTANCE ?? process.env.HOSTNAME} started ${starts} times`),
).listen(process.env.PORT);
