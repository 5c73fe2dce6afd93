import { join } from "node:path";
import { type AppSpec, formatBitrate, formatBytes, type Resources } from "@constellation/contract";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import type { Abilities } from "./abilities.ts";
import { askedFor, limitMeasures, limitsOf, refuseHoles } from "./cgroup-limits.ts";
import { whyNoDisk } from "./data-folder.ts";
import { limitsAs } from "./project-limit.ts";
import { type DriverFolders, dataRoot } from "./folders.ts";
import { type IsolationPlan, isolationFor } from "./isolation-verdict.ts";
import { checkMountSources } from "./mount-sources.ts";
import { checkMountTargets } from "./mount-targets.ts";
import { networkFor } from "./network-verdict.ts";
import { openFilesFor } from "./open-files-verdict.ts";
import { checkReadable, isOpen } from "./readable.ts";
import type { Trials } from "./trials.ts";
import { Verdict } from "./verdict.ts";

/** Outcomes of trials of control groups that are remembered; the same limits come again and again. */
const rememberedGroups = 256;

/**
 * Says of a spec, before anything of it is made, what a start on this machine would refuse. It decides with the code
 * that starts decide with; what only a trial tells is tried once, and again after it has failed, since users mend machines.
 */
export class Feasibility {
  readonly #abilities: Abilities;
  readonly #folders: DriverFolders;
  readonly #trials: Trials;
  readonly #worked = new Set<string>();

  constructor(abilities: Abilities, folders: DriverFolders, trials: Trials) {
    this.#abilities = abilities;
    this.#folders = folders;
    this.#trials = trials;
  }

  /**
   * @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, naming everything that is missing;
   *   `spec.invalid` for a folder that its instances may not read, and a mount that cannot be where it is to be
   */
  async check(spec: AppSpec): Promise<void> {
    const { name, resources } = spec;
    const verdict = new Verdict(name, resources.bestEffort, "check");
    const plan = isolationFor(spec.isolation, 0, this.#abilities, verdict);
    const { network } = networkFor(spec.isolation.network, resources, 0, this.#abilities, verdict);
    const asksForWire = spec.isolation.network === "private" || limitsBandwidth(resources);
    openFilesFor(resources, this.#abilities, verdict);
    this.#checkGroup(spec, verdict);
    await Promise.all([
      asksForWire && network.kind === "private" ? this.#checkWire(spec, verdict) : null,
      resources.diskBytes === null ? null : this.#checkDisk(spec, resources.diskBytes, plan, verdict),
    ]);
    verdict.settle();
    if (plan.isolation.root) checkMountSources(spec);
    checkMountTargets(spec, plan.isolation.root, this.#abilities.facts);
    await checkReadable(spec, plan, this.#abilities.facts.uid, this.#trials);
  }

  /** What others may not read any more since its spec was applied. @throws ConstellationError `spec.invalid` */
  async checkStart(request: StartRequest): Promise<void> {
    const { isolation, folder, mounts } = request;
    if (isOpen({ folder, mounts })) return;
    const name = instanceName(request);
    const plan = isolationFor(isolation, 0, this.#abilities, new Verdict(name, true));
    await checkReadable({ name, folder, mounts }, plan, this.#abilities.facts.uid, this.#trials, "start");
  }

  #checkGroup({ resources }: AppSpec, verdict: Verdict): void {
    const { cgroups } = this.#abilities;
    const asked = askedFor(resources);
    if (cgroups.kind === "unavailable") {
      const { missing, remedy } = cgroups;
      for (const [limit, wanted] of asked) verdict.missingLimit(limitMeasures[limit], wanted, missing, remedy);
      return;
    }
    if (asked.length === 0) return;
    const limits = limitsOf(resources, this.#folders.state);
    const key = JSON.stringify(limits);
    if (this.#worked.has(key)) return;
    const unenforced = this.#trials.group(limits);
    refuseHoles(asked, unenforced, verdict);
    if (unenforced.length > 0) return;
    if (this.#worked.size > rememberedGroups) this.#worked.clear();
    this.#worked.add(key);
  }

  async #checkWire({ isolation, resources }: AppSpec, verdict: Verdict): Promise<void> {
    const missing = await this.#once("wire", () => this.#trials.wire());
    if (missing === null) return;
    const remedy = "Load the kernel modules veth and sch_tbf";
    const { networkInBitsPerSecond: into, networkOutBitsPerSecond: out } = resources;
    if (into !== null) verdict.missingLimit("limit.network-in", formatBitrate(into), missing, remedy);
    if (out !== null) verdict.missingLimit("limit.network-out", formatBitrate(out), missing, remedy);
    if (isolation.network === "private") verdict.missingProtection("namespace.network", true, missing);
  }

  async #checkDisk(
    { name, instances, isolation }: AppSpec,
    bytes: number,
    plan: IsolationPlan,
    verdict: Verdict,
  ): Promise<void> {
    const ownRoot = plan.isolation.root && plan.wrapper === null;
    const inUserNamespace = plan.user.kind === "namespace";
    const refuse = (what: string, remedy: string): void =>
      verdict.missingLimit("limit.disk", formatBytes(bytes), what, remedy);
    for (let index = 1; index <= instances; index += 1) {
      const folder = join(dataRoot(this.#folders), instanceName({ app: name, index }));
      if (limitsAs(folder, { inUserNamespace, host: this.#abilities.facts }) === "project") return;
      const missing = whyNoDisk(folder, bytes, { ownRoot, isolation, host: this.#abilities.facts });
      if (missing !== null) return refuse(missing.what, missing.remedy);
    }
    const missing = await this.#once("disk", () => this.#trials.disk());
    if (missing !== null) refuse(missing, "Let the daemon use loop devices and mount ext4");
  }

  async #once(what: string, trial: () => Promise<string | null>): Promise<string | null> {
    if (this.#worked.has(what)) return null;
    const missing = await trial();
    if (missing === null) this.#worked.add(what);
    return missing;
  }
}

const limitsBandwidth = ({ networkInBitsPerSecond, networkOutBitsPerSecond }: Resources): boolean =>
  networkInBitsPerSecond !== null || networkOutBitsPerSecond !== null;
