// The real program, with people whose tokens are known: on a port of this machine, or
// where a subclass puts it.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const bin = resolve(process.env.KENOMA_BIN ?? join(import.meta.dirname, "../../bin/kenoma"));

const freePort = () =>
  new Promise((done) => {
    const l = createServer().listen(0, "127.0.0.1", () => {
      const { port } = l.address();
      l.close(() => done(port));
    });
  });

export class Kenoma {
  data = mkdtempSync(join(tmpdir(), "kenoma-federation-"));
  tokens = {};

  // place says where the server is and how it is started.
  async place() {
    const listen = `127.0.0.1:${await freePort()}`;
    return { url: `http://${listen}`, listen, command: [bin] };
  }

  async start(names, settings = {}) {
    const { url, listen, command } = await this.place();
    this.url = url;
    this.host = new URL(url).host;
    this.env = {
      ...process.env,
      KENOMA_DATA_DIR: this.data,
      KENOMA_URL: this.url,
      KENOMA_LISTEN: listen,
      KENOMA_FEDERATION_ALLOW_HTTP: "true",
      KENOMA_FEDERATION_ALLOW_NETWORKS: "127.0.0.0/8",
      KENOMA_RATE_LIMIT_ENABLED: "false",
      KENOMA_LOG_LEVEL: "warn",
      ...settings,
    };
    for (const name of names) {
      this.run("user", "create", name, "--email", `${name}@example.org`, "--password", "correct horse");
      this.tokens[name] = this.run("token", "create", name);
    }
    this.server = spawn(command[0], [...command.slice(1), "serve"], { env: this.env, stdio: ["ignore", "ignore", "inherit"] });
    for (let i = 0; ; i++) {
      try {
        if ((await this.fetch("/health")).ok) return;
      } catch {
        if (i > 400) throw new Error("the server does not start");
      }
      await new Promise((r) => setTimeout(r, 50));
    }
  }

  // fetch asks the server for a path.
  fetch(path, options) {
    return fetch(`${this.url}${path}`, options);
  }

  run(...args) {
    return execFileSync(bin, args, { env: this.env }).toString().trim();
  }

  async stop() {
    if (this.server && this.server.exitCode === null) {
      const gone = new Promise((done) => this.server.once("exit", done));
      this.server.kill("SIGTERM");
      await gone;
    }
    rmSync(this.data, { recursive: true, force: true });
  }

  // call asks the client API as one of the people.
  async call(name, method, path, body) {
    const resp = await this.fetch(path, {
      method,
      headers: { authorization: `Bearer ${this.tokens[name]}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
    const text = await resp.text();
    if (!resp.ok) throw new Error(`${method} ${path}: ${resp.status} ${text}`);
    return JSON.parse(text);
  }

  // until asks again until the answer fits, for at most 20 seconds.
  async until(what, name, path, fits) {
    for (let i = 0, last; ; i++) {
      try {
        last = await this.call(name, "GET", path);
        if (fits(last)) return last;
      } catch (err) {
        last = err.message;
      }
      if (i === 200) throw new Error(`${what}: ${JSON.stringify(last).slice(0, 2000)}`);
      await new Promise((r) => setTimeout(r, 100));
    }
  }
}
