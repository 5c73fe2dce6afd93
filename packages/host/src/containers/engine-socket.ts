import { statSync } from "node:fs";
import { homedir } from "node:os";

/** A Unix socket that a container engine may serve its Docker-compatible API on. */
export interface EngineSocket {
  readonly engine: "docker" | "podman";
  readonly path: string;
}

/** The sockets of Docker and Podman that exist here, the user's own choice (DOCKER_HOST) first. */
export function findEngineSockets(environment: NodeJS.ProcessEnv = process.env): EngineSocket[] {
  const chosen = /^unix:\/\/(\/.+)$/.exec(environment["DOCKER_HOST"] ?? "")?.[1];
  const runtime = environment["XDG_RUNTIME_DIR"];
  const home = environment["HOME"] ?? homedir();
  const candidates: EngineSocket[] = [
    ...(chosen === undefined
      ? []
      : [{ engine: chosen.includes("podman") ? "podman" : "docker", path: chosen } as const]),
    { engine: "docker", path: "/var/run/docker.sock" },
    ...(runtime === undefined ? [] : [{ engine: "docker", path: `${runtime}/docker.sock` } as const]),
    { engine: "docker", path: `${home}/.docker/run/docker.sock` },
    { engine: "podman", path: "/run/podman/podman.sock" },
    ...(runtime === undefined ? [] : [{ engine: "podman", path: `${runtime}/podman/podman.sock` } as const]),
  ];
  const paths = new Set<string>();
  return candidates.filter(({ path }) => {
    if (paths.has(path) || !isSocket(path)) return false;
    paths.add(path);
    return true;
  });
}

/** A folder of another user, whose environment was inherited by `su` or `sudo -E`, is not ours to look into. */
function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
}
