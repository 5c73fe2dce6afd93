import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AppSpec, ConstellationError, PortSpec } from "@constellation/contract";
import type { PortBinding, ResolvedRun } from "@constellation/instances";
import {
  addressesOverlap,
  checkEndpoint,
  findPortOwners,
  type PortOwner,
  type PortProcess,
  type Sharing,
  sharingOf,
  type WaitingPort,
} from "@constellation/instances/ports";
import type { Observations, PortSource } from "../agent/index.ts";
import type { PortOpener } from "../scheduler/index.ts";
import type { Mirror } from "../state/index.ts";
import { Backends } from "./backends.ts";
import { bindingFor, PrivatePorts, unresolved } from "./bindings.ts";
import { ClosingPorts } from "./closing-ports.ts";
import { Complaints } from "./complaints.ts";
import { heldByApp, inUse, isInUse, ownerIn, refuseOwn } from "./holder.ts";
import { LostSockets } from "./lost-sockets.ts";
import { appOf, keyOf } from "./port-key.ts";
import { PublicPort } from "./public-port.ts";
import { urlOf } from "./url.ts";

/** What the public ports of a node work with. */
export interface PublicPortsParts {
  /** Folder with one folder for each port process. */
  readonly folder: string;
  readonly mirror: Mirror;
  readonly observations: Observations;
  /** A port process that waits for the next port; null: each is started when it is needed. */
  readonly waiting: WaitingPort | null;
  readonly report: (text: string, error: unknown) => void;
  /** Restarts all instances of an app at once. */
  readonly recycle: (app: string) => void;
}

/** How often a start looks for a port that its own app still holds. */
const recycleLookMs = 50;
/** Longest time that a stop waits for the forwarder to take an instance off its list. */
const withdrawTimeoutMs = 1000;
/** Time that requests under way get before the stop signal: many programs die of it at once. Idle connections wait it out. */
const drainTimeoutMs = 1000;

/** All public ports of this node's apps. Folder names say whose they are: `web.8080`. */
export class PublicPorts implements PortOpener, PortSource {
  readonly #parts: PublicPortsParts;
  readonly #open = new Map<string, PublicPort>();
  /** Ports that were opened for changes which are not written down yet. */
  readonly #promised = new Set<ReadonlySet<string>>();
  readonly #closing = new ClosingPorts();
  readonly #private = new PrivatePorts();
  /** Instances that are about to be stopped: they get no new connections although they still look ready. */
  readonly #withdrawn = new Set<PortBinding>();
  /** Apps whose instances were all ended for good by the end of this daemon: whoever calls them is refused, not held. */
  readonly #retired = new Set<string>();
  readonly #backends: Backends;
  readonly #lostSockets: LostSockets;
  readonly #complaints: Complaints;

  constructor(parts: PublicPortsParts) {
    this.#parts = parts;
    this.#backends = new Backends(parts.report);
    this.#lostSockets = new LostSockets(parts);
    this.#complaints = new Complaints(parts.report);
  }

  async open(specs: readonly AppSpec[], possible?: Promise<void>): Promise<() => void> {
    const opened: string[] = [];
    const promise = new Set<string>();
    const release = (): void => void this.#promised.delete(promise);
    this.#promised.add(promise);
    const opening = this.#openAll(specs, { promise, opened, possible });
    opening.catch(() => undefined);
    try {
      await possible;
      await opening;
      return release;
    } catch (error) {
      await opening.catch(() => undefined);
      release();
      for (const key of opened) await this.#close(key);
      throw error;
    }
  }

  async check(specs: readonly AppSpec[]): Promise<void> {
    for (const { name, ports } of specs) for (const port of ports) await this.#checkPlace(name, port);
  }

  /** @throws as {@link check} */
  async #checkPlace(app: string, port: PortSpec): Promise<void> {
    const { observations } = this.#parts;
    const open = this.#open.get(keyOf(app, port));
    if (open?.address === port.address) return;
    refuseOwn(observations, app, port);
    // Its process gives the old address up for the new one.
    const owners = findPortOwners({ address: port.address, port: port.publicPort });
    const others = owners?.filter(({ pid }) => pid !== open?.pid) ?? [];
    if (others.length > 0 || owners?.length === 0) throw await this.#inUse(app, port, others[0]);
    await checkEndpoint({ address: port.address, port: port.publicPort });
  }

  async bind(spec: AppSpec, run: ResolvedRun, signal: AbortSignal): Promise<readonly PortBinding[]> {
    const bindings: PortBinding[] = [];
    try {
      for (const port of spec.ports) {
        const { socketFile } = await this.#openWhenFree(spec.name, port, sharingOf(port, run, spec), signal);
        bindings.push(await bindingFor(port, this.#obtain(spec.name, port), socketFile, this.#private));
      }
      return bindings;
    } catch (error) {
      this.release(bindings);
      throw error;
    }
  }

  async keep(bindings: readonly PortBinding[]): Promise<void> {
    for (const { mode, port } of bindings) if (mode === "forwarded") await this.#private.keep(port);
  }

  release(bindings: readonly PortBinding[]): void {
    for (const binding of bindings) {
      this.#withdrawn.delete(binding);
      if (binding.mode === "forwarded") this.#private.release(binding.port);
    }
  }

  async withdraw(app: string, bindings: readonly PortBinding[]): Promise<void> {
    const forwarded = bindings.filter(({ mode }) => mode === "forwarded");
    if (forwarded.length === 0) return;
    for (const binding of forwarded) this.#withdrawn.add(binding);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, withdrawTimeoutMs)));
    // The next sweep repairs it; who is to stop does not wait for that.
    const { report } = this.#parts;
    const told = this.balance(app).catch((error: unknown) => report(`the ports of ${app} are not in step`, error));
    await Promise.race([told, late]);
    clearTimeout(timer);
    await Promise.all(forwarded.map((binding) => this.#drain(app, binding)));
  }

  async #drain(app: string, binding: PortBinding): Promise<void> {
    const instance = this.#parts.observations.list(app).find(({ run }) => run?.ports.includes(binding));
    const address = instance?.run?.handle.facts.address;
    const open = this.#open.get(keyOf(app, binding));
    if (open === undefined || address === undefined || address === null) return;
    try {
      await open.drain({ address, port: binding.port }, drainTimeoutMs);
    } catch (error) {
      this.#parts.report(`the connections of ${app} on port ${binding.publicPort} were not waited for`, error);
    }
  }

  urls(): Readonly<Record<string, string>> {
    const urls: [string, string][] = [];
    for (const [app, { record }] of this.#parts.mirror.apps) {
      const first = this.#ports(app, record.revision)[0];
      if (record.mode === "running" && first !== undefined) urls.push([app, urlOf(first)]);
    }
    return Object.fromEntries(urls);
  }

  /** URLs of one app's public ports. */
  urlsOf(app: string): string[] {
    const record = this.#parts.mirror.apps.get(app)?.record;
    return record === undefined ? [] : this.#ports(app, record.revision).map(urlOf);
  }

  /** Tells the forwarders of an app which of its instances are ready. */
  async balance(app: string): Promise<void> {
    const instances = this.#parts.observations.list(app);
    for (const [key, open] of this.#open) {
      if (!key.startsWith(`${app}.`) || open.sharing !== "forwarded") continue;
      await open.setBackends(this.#backends.of(key, instances, open.port, this.#withdrawn));
    }
  }

  /**
   * Opens what should be open, closes what nobody needs any more, and looks after port processes that an earlier daemon left.
   * What is closed is not waited for: who is connected there may take a while, and others wait for theirs.
   */
  async reconcile(): Promise<void> {
    const { folder } = this.#parts;
    const needed = this.#needed();
    // The first port makes it.
    const known = new Set([...this.#open.keys(), ...(existsSync(folder) ? readdirSync(folder) : [])]);
    for (const key of known) {
      if (needed.has(key) || this.#isPromised(key) || (this.#closing.has(key) && !this.#open.has(key))) continue;
      void this.#close(key).catch((error: unknown) =>
        this.#parts.report(`the public port ${key} could not be given up`, error),
      );
    }
    for (const [key, { app, port, sharing }] of needed) {
      const open = this.#open.get(key);
      // Elsewhere: it was moved for a change that came to nothing.
      const isInPlace = open?.address === port.address || this.#isPromised(key);
      if (open?.lookAfter() === true && isInPlace) continue;
      try {
        await this.#obtain(app, port).open(sharing);
        this.#complaints.forget(key);
      } catch (error) {
        if (!this.#lostSockets.recycle(key, app, error))
          this.#complaints.tell(key, `the public port ${port.publicPort} of ${app} cannot be opened`, error);
      }
    }
    for (const app of new Set([...needed.values()].map((need) => need.app))) {
      await this.balance(app).catch((error: unknown) =>
        this.#parts.report(`the ports of ${app} are not in step`, error),
      );
    }
  }

  /** Closes the ports of apps whose instances the daemon takes along when it ends; nothing opens them again. */
  async retire(apps: readonly string[]): Promise<void> {
    for (const app of apps) this.#retired.add(app);
    await this.reconcile();
    await this.closed();
  }

  /** Resolves when nothing is left of the ports that are being given up. */
  async closed(): Promise<void> {
    await this.#closing.settled();
  }

  /** The daemon does not end after all. */
  async reopen(): Promise<void> {
    this.#retired.clear();
    await this.reconcile();
  }

  /** Whether an app has a public port, or is to have one; what happens to the others is nothing to look at. */
  concerns(app: string): boolean {
    const record = this.#parts.mirror.apps.get(app)?.record;
    return (record !== undefined && this.#ports(app, record.revision).length > 0) || this.#hasOpen(app);
  }

  /** Whether a port is open that no instance will ever serve again: its app is stopped, and its last run is over. */
  isIdle(app: string): boolean {
    const wanted = this.#parts.mirror.apps.get(app)?.record.mode === "running";
    return !wanted && this.#hasOpen(app) && !this.#parts.observations.list(app).some(({ run }) => run !== null);
  }

  /** Lets go of all ports; they stay open. */
  async detach(): Promise<void> {
    for (const open of this.#open.values()) open.detach();
    this.#open.clear();
    await this.#parts.waiting?.close();
  }

  #hasOpen(app: string): boolean {
    for (const key of this.#open.keys()) if (key.startsWith(`${app}.`)) return true;
    return false;
  }

  #isPromised(key: string): boolean {
    return [...this.#promised].some((keys) => keys.has(key));
  }

  #needed(): Map<string, { readonly app: string; readonly port: PortSpec; readonly sharing: Sharing }> {
    const needed = new Map<string, { app: string; port: PortSpec; sharing: Sharing }>();
    for (const [app, { record }] of this.#parts.mirror.apps) {
      const living = this.#parts.observations.list(app).filter(({ run }) => run !== null);
      if ((record.mode !== "running" && living.length === 0) || this.#retired.has(app)) continue;
      const revisions = new Set([record.revision, ...living.flatMap(({ revision }) => revision ?? [])]);
      for (const revision of revisions) {
        const spec = this.#parts.mirror.revisions.get(app)?.get(revision)?.record.spec;
        for (const port of spec?.ports ?? []) {
          const key = keyOf(app, port);
          if (spec === undefined || needed.has(key)) continue;
          const sharing = this.#open.get(key)?.sharing ?? sharingOf(port, unresolved(spec.run), spec);
          needed.set(key, { app, port, sharing });
        }
      }
    }
    return needed;
  }

  #ports(app: string, revision: number): readonly PortSpec[] {
    return this.#parts.mirror.revisions.get(app)?.get(revision)?.record.spec.ports ?? [];
  }

  #obtain(app: string, port: PortSpec): PublicPort {
    const key = keyOf(app, port);
    const known = this.#open.get(key);
    if (known !== undefined && known.address === port.address) return known;
    known?.detach();
    const open = new PublicPort({
      folder: join(this.#parts.folder, key),
      address: port.address,
      port: port.publicPort,
      sharing: "forwarded",
      waiting: this.#parts.waiting,
      holders: () => this.#lostSockets.holders(app, key),
      onLost: () => this.#lost(key),
      after: this.#closing.of(key),
    });
    this.#open.set(key, open);
    return open;
  }

  /** A port process was ended by somebody: the next look opens the port again. */
  #lost(key: string): void {
    this.#open.get(key)?.detach();
    this.#open.delete(key);
    this.#parts.report(`the process of the public port ${key} is gone; it is started again`, null);
    void this.reconcile().catch((error: unknown) => this.#parts.report("opening the public ports failed", error));
  }

  async #openWhenFree(app: string, port: PortSpec, sharing: Sharing, signal: AbortSignal): Promise<PortProcess> {
    const key = keyOf(app, port);
    for (;;) {
      try {
        const process = await this.#obtain(app, port).open(sharing, signal);
        this.#lostSockets.forget(key);
        return process;
      } catch (error) {
        if (!this.#lostSockets.recycle(key, app, error) && !this.#lostSockets.isFreedSoon(key, error)) throw error;
        await sleep(recycleLookMs, undefined, { signal });
      }
    }
  }

  /** @param promise gets the keys of all; `opened` those of the ones that were not open */
  async #openAll(
    specs: readonly AppSpec[],
    { promise, opened, possible }: { promise: Set<string>; opened: string[]; possible: Promise<void> | undefined },
  ): Promise<void> {
    const moving: { readonly spec: AppSpec; readonly port: PortSpec }[] = [];
    for (const spec of specs) {
      for (const port of spec.ports) {
        const key = keyOf(spec.name, port);
        promise.add(key);
        const present = this.#open.get(key);
        if (present === undefined) opened.push(key);
        if (present === undefined || present.address === port.address) await this.#openFor(spec, port);
        else {
          await this.#checkPlace(spec.name, port);
          moving.push({ spec, port });
        }
      }
    }
    // Whoever is connected where they are now is cut: only when nothing else can refuse the change.
    if (moving.length > 0) await possible;
    for (const { spec, port } of moving) await this.#openFor(spec, port);
  }

  async #openFor(spec: AppSpec, port: PortSpec): Promise<void> {
    const { observations } = this.#parts;
    refuseOwn(observations, spec.name, port);
    const sharing = this.#open.get(keyOf(spec.name, port))?.sharing ?? sharingOf(port, unresolved(spec.run), spec);
    const open = (): Promise<PortProcess> => this.#obtain(spec.name, port).open(sharing);
    const refuse = async (error: unknown): Promise<never> => {
      throw isInUse(error) ? await this.#inUse(spec.name, port, ownerIn(error)) : error;
    };
    try {
      await open();
    } catch (error) {
      if (!isInUse(error) || !(await this.#makeRoom(spec.name, port))) return refuse(error);
      await open().catch(refuse);
    }
  }

  /** Has another app give the port up that needs it no more, which the next sweep would do. False: there is none. */
  async #makeRoom(app: string, port: PortSpec): Promise<boolean> {
    const [rival] = this.#rival(app, port) ?? [];
    if (rival !== undefined && !this.#isPromised(rival) && !this.#needed().has(rival)) void this.#close(rival);
    const own = keyOf(app, port);
    const number = own.slice(app.length);
    return (await this.#closing.settled((key) => key !== own && key.endsWith(number))) > 0;
  }

  /** Another app's port that leaves no room for this one, by its key. */
  #rival(app: string, { publicPort, address }: PortSpec): [key: string, open: PublicPort] | undefined {
    const own = keyOf(app, { publicPort });
    const isInTheWay = (open: PublicPort): boolean =>
      open.port === publicPort && addressesOverlap(open.address, address);
    return [...this.#open].find(([key, open]) => key !== own && isInTheWay(open));
  }

  async #inUse(app: string, port: PortSpec, owner: PortOwner | undefined): Promise<ConstellationError> {
    const [rival, open] = this.#rival(app, port) ?? [];
    if (rival !== undefined && owner !== undefined && open?.pid === owner.pid)
      return heldByApp(app, port, appOf(rival));
    return inUse(this.#parts.observations, app, port, owner);
  }

  /** Gives a port up; whoever opens it again meanwhile waits until its process and its folder are gone. */
  #close(key: string): Promise<void> {
    const open = this.#open.get(key);
    this.#open.delete(key);
    this.#complaints.forget(key);
    return this.#closing.close(key, open, join(this.#parts.folder, key));
  }
}
