import express from "express";

const app = express();
app.get("/", (_, response) => void response.send(`${String(process.env["CONSTELLATION_INSTANCE"])} serves\n`));
app.listen(process.env["PORT"], () => console.log("express listens"));
