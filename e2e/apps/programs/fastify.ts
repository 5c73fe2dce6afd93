import fastify from "fastify";

const server = fastify();
server.get("/", () => `${String(process.env["CONSTELLATION_INSTANCE"])} serves\n`);
await server.listen({ port: Number(process.env["PORT"]) });
console.log("fastify listens");
