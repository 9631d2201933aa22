// A network of its own: each server in a network namespace with an address and a
// name, TLS by a private authority in front of it. Needs root and iproute2.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, Kenoma } from "./kenoma.mjs";

const bridge = "kenomabr";
const subnet = "10.213.77";
const sh = (command, ...args) => execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"] }).toString();
const quietly = (command, ...args) => {
  try {
    sh(command, ...args);
  } catch {
    // It wasn't there.
  }
};

export class Network {
  dir = mkdtempSync(join(tmpdir(), "kenoma-network-"));
  nodes = [];

  constructor(names) {
    this.names = names; // Of the hosts: "a.test".
  }

  start() {
    this.clear();
    sh("ip", "link", "add", bridge, "type", "bridge");
    sh("ip", "addr", "add", `${subnet}.1/24`, "dev", bridge);
    sh("ip", "link", "set", bridge, "up");
    const file = (name) => join(this.dir, name);
    sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=A private authority", "-keyout", file("ca.key"), "-out", file("ca.pem"));
    this.names.forEach((name, i) => {
      const ns = `kenoma-${i}`;
      const address = `${subnet}.${i + 10}`;
      sh("ip", "netns", "add", ns);
      sh("ip", "link", "add", `kenomav${i}`, "type", "veth", "peer", "name", "eth0", "netns", ns);
      sh("ip", "link", "set", `kenomav${i}`, "master", bridge, "up");
      for (const args of [["link", "set", "lo", "up"], ["addr", "add", `${address}/24`, "dev", "eth0"], ["link", "set", "eth0", "up"]]) {
        sh("ip", "netns", "exec", ns, "ip", ...args);
      }
      mkdirSync(`/etc/netns/${ns}`, { recursive: true });
      writeFileSync(`/etc/netns/${ns}/hosts`, ["127.0.0.1 localhost", ...this.names.map((n, k) => `${subnet}.${k + 10} ${n}`)].join("\n") + "\n");
      writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${name}\n`);
      sh("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`));
      sh("openssl", "x509", "-req", "-days", "2", "-in", file(`${name}.csr`), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-extfile", file(`${name}.ext`), "-out", file(`${name}.pem`));
      this.nodes.push(new Node(this, i, name, ns, address));
    });
    return this.nodes;
  }

  // cut takes a host off the network, or puts it back.
  cut(node, off = true) {
    sh("ip", "link", "set", `kenomav${node.number}`, off ? "down" : "up");
  }

  clear() {
    this.names.forEach((_, i) => {
      quietly("ip", "link", "del", `kenomav${i}`);
      quietly("ip", "netns", "del", `kenoma-${i}`);
      rmSync(`/etc/netns/kenoma-${i}`, { recursive: true, force: true });
    });
    quietly("ip", "link", "del", bridge);
  }

  async stop() {
    await Promise.all(this.nodes.map((n) => n.stop()));
    this.clear();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

class Node extends Kenoma {
  constructor(network, number, name, ns, address) {
    super();
    Object.assign(this, { network, number, name, ns, address });
  }

  file(name) {
    return join(this.network.dir, name);
  }

  place() {
    const within = ["ip", "netns", "exec", this.ns];
    const front = join(import.meta.dirname, "front.mjs");
    this.front = spawn(within[0], [...within.slice(1), process.execPath, front, this.file(`${this.name}.pem`), this.file(`${this.name}.key`), this.address], { stdio: "inherit" });
    return { url: `https://${this.name}`, listen: "127.0.0.1:4000", command: [...within, bin] };
  }

  start(names) {
    return super.start(names, {
      SSL_CERT_FILE: this.file("ca.pem"),
      KENOMA_FEDERATION_ALLOW_HTTP: "false",
      KENOMA_FEDERATION_ALLOW_NETWORKS: `${subnet}.0/24`,
    });
  }

  async stop() {
    await super.stop();
    this.front?.kill();
  }

  // fetch goes over the bridge, by TLS. While the host is cut off from the network
  // nobody can reach it, so its own people ask from within its namespace.
  fetch(path, { method = "GET", headers = {}, body } = {}) {
    if (this.alone) return this.within(path, { method, headers, body });
    const options = { method, headers: { ...headers, host: this.name }, ca: readFileSync(this.file("ca.pem")), servername: this.name, host: this.address, path, timeout: 20_000 };
    return new Promise((done, fail) => {
      const req = request(options, async (resp) => {
        const chunks = [];
        for await (const chunk of resp) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        done({ ok: resp.statusCode < 300, status: resp.statusCode, text: async () => text });
      });
      req.on("timeout", () => req.destroy(new Error("no answer in time")));
      req.on("error", fail);
      req.end(body);
    });
  }

  within(path, { method, headers, body }) {
    const args = ["netns", "exec", this.ns, "curl", "-sS", "--max-time", "20", "--cacert", this.file("ca.pem"), "-X", method, "-w", "\n%{http_code}", "--data-binary", "@-"];
    for (const [k, v] of Object.entries(headers)) args.push("-H", `${k}: ${v}`);
    const out = execFileSync("ip", [...args, `${this.url}${path}`], { input: body ?? "" }).toString();
    const at = out.lastIndexOf("\n");
    const status = Number(out.slice(at + 1));
    return Promise.resolve({ ok: status < 300, status, text: async () => out.slice(0, at) });
  }
}
