"use strict";
// Compiles a program without running a line of it, and keeps what V8 made of it.
//   node [options of the program] compile.cjs <path of the program> <file for the result>      the program is descriptor 3
const { readFileSync, writeFileSync } = require("node:fs");
const { compile } = require("./compiled.cjs");

const [, , filename, result] = process.argv;
writeFileSync(result, compile(readFileSync(3, "utf8"), filename));
