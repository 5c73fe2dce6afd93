import * as z from "zod";

const portNumber = z.number().int().min(1).max(65_535);

const portInput = z
  .strictObject({
    /** Name in the environment (`<NAME>_PORT`). @default "http" for a single port */
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be lower case letters, digits and "-"')
      .optional(),
    /** Port that the users of the app connect to. */
    public: portNumber,
    /** Port that the program listens on by itself; without it the program is told by `PORT`. */
    target: portNumber.optional(),
    /** Another word for `target`. */
    container: portNumber.optional(),
    /** Address that the public port is bound to. @default "127.0.0.1" */
    address: z.union([z.ipv4("an IPv4 address"), z.ipv6("an IPv6 address")]).optional(),
    /** `auto`: Node scripts share one kernel socket, unless their network is private or limited; others stand behind the forwarder. @default "auto" */
    socket: z.enum(["auto", "inherit", "forward"]).optional(),
  })
  .refine(
    ({ target, container }) => target === undefined || container === undefined || target === container,
    "target and container are two words for one port; give one of them",
  );

/** `port` of an app, as the user writes it: a number, one port or several. */
export const portsSchema = z
  .union([portNumber, portInput, z.array(portInput).max(64)])
  .transform((input): PortSpec[] => {
    const list = typeof input === "number" ? [{ public: input }] : Array.isArray(input) ? input : [input];
    return list.map((port: z.output<typeof portInput>) => ({
      name: port.name ?? (list.length === 1 ? "http" : `port-${port.public}`),
      publicPort: port.public,
      targetPort: port.target ?? port.container ?? null,
      address: port.address ?? "127.0.0.1",
      socket: port.socket ?? "auto",
    }));
  })
  .superRefine((ports, context) => {
    for (const key of ["name", "publicPort"] as const) {
      const twice = ports.find((port, at) => ports.findIndex((other) => other[key] === port[key]) !== at);
      if (twice)
        context.addIssue({
          code: "custom",
          message: `two ports have the ${key === "name" ? "name" : "public port"} ${twice[key]}`,
        });
    }
  });

/** One public port of an app; all its instances serve it together. */
export interface PortSpec {
  readonly name: string;
  readonly publicPort: number;
  /** Fixed port of the program; `null`: the program reads `PORT`. */
  readonly targetPort: number | null;
  readonly address: string;
  readonly socket: "auto" | "inherit" | "forward";
}
