const pid = String(process.pid);
require("node:http")
  .createServer((request, response) => response.end(request.url === "/pid" ? pid : "ok"))
  .listen(process.env.PORT, "127.0.0.1");
