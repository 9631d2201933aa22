// What stands in front of a server on the internet: TLS, passed on to port 4000.
// Arguments: certificate, key, address.
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:https";

const [cert, key, address] = process.argv.slice(2);
createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (req, res) => {
  const headers = { ...req.headers, "x-forwarded-for": req.socket.remoteAddress, "x-forwarded-proto": "https" };
  const on = request({ host: "127.0.0.1", port: 4000, method: req.method, path: req.url, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  on.on("error", () => res.headersSent || res.writeHead(502).end());
  req.pipe(on);
}).listen(443, address);
