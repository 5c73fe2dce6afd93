// constellation create --name=hello --script=hello.ts
const whom: string = process.env["WHOM"] ?? "world";
let count = 0;

setInterval(() => {
  count += 1;
  console.log(`Hello ${whom}, for the ${count}. time`);
}, 1000);
