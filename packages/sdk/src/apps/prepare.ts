import { resolve } from "node:path";
import type { AppInput, MountInput } from "@constellation/contract";
import { type Artifact, bundle } from "../bundle/bundle.ts";

/** Specs ready for the daemon, and the artifacts that they name. */
export interface PreparedApps {
  readonly specs: readonly AppInput[];
  readonly artifacts: readonly Artifact[];
}

/**
 * Makes specs complete for the daemon: folders and sources of mounts become absolute, scripts become artifacts.
 *
 * @param base folder that relative paths of the specs start from
 * @throws ConstellationError `script.unreadable`, `script.build-failed`
 */
export async function prepareApps(apps: readonly AppInput[], base: string): Promise<PreparedApps> {
  const bundles = new Map<string, Promise<Artifact>>();
  const bundled = (entry: string, folder: string, external: readonly string[]): Promise<Artifact> => {
    const key = [entry, folder, ...external].join("\0");
    const artifact = bundles.get(key) ?? bundle({ entry, folder, external });
    bundles.set(key, artifact);
    return artifact;
  };
  const specs = await Promise.all(
    apps.map(async (app): Promise<AppInput> => {
      // What is not a spec at all goes on as it is: the daemon says what is wrong with it.
      if (typeof app !== "object" || app === null) return app;
      const folder = resolve(base, typeof app.folder === "string" ? app.folder : ".");
      // With a command beside it there is nothing to look for: the daemon refuses the two together.
      const placed = { ...app, folder, ...(Array.isArray(app.mounts) ? { mounts: app.mounts.map(fromBase) } : {}) };
      if (typeof app.script !== "string" || app.artifact !== undefined || app.command !== undefined) return placed;
      const external = Array.isArray(app.external) ? app.external.map(String) : [];
      const { sha256 } = await bundled(resolve(base, app.script), folder, external);
      return { ...placed, artifact: sha256 };
    }),
  );
  return { specs, artifacts: await Promise.all(bundles.values()) };

  function fromBase(mount: MountInput): MountInput {
    return typeof mount?.source === "string" && mount.source !== ""
      ? { ...mount, source: resolve(base, mount.source) }
      : mount;
  }
}
