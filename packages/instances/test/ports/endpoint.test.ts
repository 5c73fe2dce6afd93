import * as fc from "fast-check";
import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { checkEndpoint, formatEndpoint, parseEndpoint } from "../../src/ports/index.ts";

const port = fc.integer({ min: 0, max: 65_535 });

describe("an endpoint on the wire of the port process", () => {
  it("comes back as it went, whatever IPv4 address", () => {
    fc.assert(
      fc.property(fc.ipV4(), port, (address, port) => {
        expect(parseEndpoint(formatEndpoint({ address, port }))).toEqual({ address, port });
      }),
    );
  });

  it("has one spelling for each IPv6 address", () => {
    fc.assert(
      fc.property(fc.ipV6(), port, (address, port) => {
        const canonical = formatEndpoint({ address, port });
        expect(canonical).toMatch(/^\[([0-9a-f]{4}:){7}[0-9a-f]{4}\]:\d+$/);
        expect(formatEndpoint(parseEndpoint(canonical))).toBe(canonical);
        expect(parseEndpoint(canonical).address).toBe(new URL(`http://[${address}]`).hostname.slice(1, -1));
      }),
    );
  });

  it.each(["localhost", "", "fe80::1%eth0", "1.2.3", "::1 ", "10.0.0.1\nclose 0"])(
    "refuses %j as an address",
    (address) => {
      expect(() => formatEndpoint({ address, port: 1 })).toThrow(expect.objectContaining({ code: "spec.invalid" }));
    },
  );

  it.each([-1, 65_536, 1.5, Number.NaN])("refuses port %d", (port) => {
    expect(() => formatEndpoint({ address: "::1", port })).toThrow(expect.objectContaining({ code: "spec.invalid" }));
  });
});

describe("an endpoint of this machine", () => {
  it.each(["127.0.0.1", "0.0.0.0", "127.8.9.1"])(
    "is accepted: %s, also when somebody listens there",
    async (address) => {
      const server = createServer().listen(0, address);
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      await checkEndpoint({ address, port });
      server.close();
      await checkEndpoint({ address, port });
    },
  );

  it.each(["192.0.2.1", "2001:db8::1"])("is not %s", async (address) => {
    await expect(checkEndpoint({ address, port: 8080 })).rejects.toMatchObject({
      code: expect.toBeOneOf(["spec.invalid", "platform.unsupported"]),
      message: expect.stringContaining(`Cannot open public port 8080 on ${address}: `),
    });
  });
});
