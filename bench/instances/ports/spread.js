// How connections spread over the processes of one port: the share of each, largest first.
import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Opens kept-alive connections all at once, several times over; shares in percent of the connections. */
export async function spreadOfBursts(port, { connections = 30, bursts = 10 } = {}) {
  const count = new Map();
  for (let burst = 0; burst < bursts; burst += 1) {
    const agent = new Agent({ keepAlive: true });
    const pids = await Promise.all(Array.from({ length: connections }, () => ask(port, agent)));
    for (const pid of pids) count.set(pid, (count.get(pid) ?? 0) + 1);
    agent.destroy();
    await sleep(150);
  }
  return shares(count);
}

/** A connection for each request, several clients at a time. */
export async function spreadOfRequests(port, { clients = 10, requests = 2000 } = {}) {
  const count = new Map();
  let left = requests;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (; left > 0; left -= 1) {
        const pid = await ask(port, false);
        count.set(pid, (count.get(pid) ?? 0) + 1);
      }
    }),
  );
  return shares(count);
}

function shares(count) {
  const total = [...count.values()].reduce((sum, one) => sum + one, 0);
  return [...count.values()].toSorted((a, b) => b - a).map((one) => Math.round((100 * one) / total));
}

function ask(port, agent) {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/pid", agent }, (response) => {
      response.toArray().then((chunks) => resolve(chunks.join("")), reject);
    }).on("error", reject);
  });
}
