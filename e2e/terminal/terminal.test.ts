import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../packed/installed.ts";
import { openSession, type Session } from "./session.ts";

const server = `import { createServer } from "node:http";
let count = 0;
setTimeout(() => createServer((_, response) => response.end("ok")).listen(Number(process.env.PORT)), 300);
setInterval(() => console.log("line", (count += 1)), 200);`;

let session: Session;
beforeAll(async () => {
  session = openSession();
  session.write("server.ts", server);
  const port = await freePort();
  const spec = { name: "web", script: "./server.ts", instances: 2, port, health: { http: "/" } };
  session.write("deploy.json", JSON.stringify(spec));
});
afterAll(() => session.remove());

test("up draws one line an instance in place and ends with the URL", async () => {
  session.command("constellation up deploy.json");
  const shown = await session.see(/web {2}http:\/\/127\.0\.0\.1:\d+\n\$$/);
  expect(shown).toMatch(/\+ web {2}created, revision 1\n✔ web\.1 {2}running\n✔ web\.2 {2}running\n2 of 2 ready/);
  // Drawn in place: nothing of the drawings before is left.
  expect(shown.match(/web\.1/g)).toHaveLength(1);
});

test("Ctrl-C during up ends the waiting only", async () => {
  const port = await freePort();
  session.command(`clear; constellation create --name=slow --port=${port} --health=/never --timeout=60s -- sleep 1000`);
  await session.see(/0 of 1 ready/);
  session.type("C-c");
  await session.see(/the work goes on/);
  session.command("echo code $?");
  await session.see(/^code 130$/m);
  expect(session.constellation("ps", "slow")).toContain("slow.1");
  session.constellation("rm", "slow");
});

test("the end of a log stays on the screen, below what was drawn", async () => {
  session.command("clear; constellation create --name=bad --restart=never -- sh -c 'echo one; echo two; exit 3'");
  const shown = await session.see(/Error: App bad failed[\s\S]*\$$/);
  expect(shown).toMatch(/✖ bad\.1 .*\n0 of 1 ready.*\n {2}bad\.1 \| one\n {2}bad\.1 \| two\nError: /);
  session.constellation("rm", "bad");
});

test("top fits the terminal, follows its size, sorts by keys and ends with q", async () => {
  session.command("clear; constellation top --interval 200ms");
  await session.see(/web\.1 .*%[\s\S]*web\.2 .*%/);
  await session.see(/UPTIME/);
  session.resize(50, 20);
  await session.see(/^INSTANCE +CPU +MEMORY(?!.*UPTIME)/m);
  for (const line of session.screen().split("\n")) expect(line.length).toBeLessThanOrEqual(50);
  session.resize(100, 30);
  session.type("i");
  await session.see(/INSTANCE.*UPTIME\nweb\.1.*\nweb\.2/);
  session.type("q");
  await session.see(/q quit\n\$$/);
});

test("logs -f follows until Ctrl-C", async () => {
  session.command("clear; constellation logs -f web.1 -n 1");
  const first = await session.see(/web\.1 \| line \d+\nweb\.1 \| line \d+/);
  expect(first).not.toContain("web.2");
  session.type("C-c");
  await session.see(/\^C\n?\$$/);
});

test("exec -it is a terminal inside the instance", async () => {
  session.command("clear; constellation exec -it web.1 -- sh");
  await session.see(/[#$] $|[#$]$/m);
  session.command("tty; stty size; hostname");
  await session.see(/\/dev\/pts\/\d+\n30 100\nweb-1/);
  session.resize(90, 25);
  session.command("stty size");
  await session.see(/^25 90$/m);
  session.command("exit 4");
  await session.see(/exit 4\n\$$/);
  session.command("echo code $?");
  await session.see(/^code 4$/m);
  session.resize(100, 30);
});
