import { hostname } from "node:os";
import express from "express";

const app = express();

app.get("/", (_, response) => {
  response.send(`${process.env["GREETING"] ?? "Hi"} from Express on ${hostname()}\n`);
});
app.get("/healthz", (_, response) => {
  response.send("ok\n");
});

const server = app.listen(process.env["PORT"] ?? 8081, () => console.log(`Express listens on ${hostname()}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
