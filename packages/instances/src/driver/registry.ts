import { ConstellationError } from "@constellation/contract";
import type { Driver } from "./driver.ts";

/** Drivers by name. `worker`, `wasm` and `container` are added here when they exist; nothing else knows the list. */
export class DriverRegistry {
  readonly #drivers = new Map<string, Driver>();

  constructor(drivers: Iterable<Driver>) {
    for (const driver of drivers) this.#drivers.set(driver.name, driver);
  }

  get names(): string[] {
    return [...this.#drivers.keys()];
  }

  /** @throws ConstellationError `platform.unsupported` naming the drivers that are there */
  get(name: string): Driver {
    const driver = this.#drivers.get(name);
    if (driver !== undefined) return driver;
    throw new ConstellationError(
      "platform.unsupported",
      `Cannot run an instance with the driver ${JSON.stringify(name)}: this node has ${this.names.join(", ") || "none"}`,
      { remedy: "Use one of the drivers that this node has, or a newer version of Constellation." },
    );
  }

  [Symbol.iterator](): Iterator<Driver> {
    return this.#drivers.values();
  }
}
