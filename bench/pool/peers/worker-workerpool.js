import workerpool from "workerpool";
workerpool.worker({ noop: () => undefined, echo: (value) => value });
