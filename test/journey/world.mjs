// What the journeys share: the real program on data of its own, a small browser for
// the pages of the sign-in, and a picture.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { deflateSync } from "node:zlib";

export const bin = resolve(process.env.KENOMA_BIN ?? join(import.meta.dirname, "../../bin/kenoma"));
export const password = "correct horse";
export const oob = "urn:ietf:wg:oauth:2.0:oob";

const freePort = () =>
  new Promise((done) => {
    const l = createServer().listen(0, "127.0.0.1", () => {
      const { port } = l.address();
      l.close(() => done(port));
    });
  });

// start runs the program with accounts of the given names, and returns its address,
// its command line, and what ends it.
export function start(...names) {
  return startAs("", ...names);
}

// startAs runs it under an address at which something else passes requests on to
// the port that is returned; "" is its own.
export async function startAs(address, ...names) {
  const data = mkdtempSync(join(tmpdir(), "kenoma-journey-"));
  const port = await freePort();
  const own = `http://127.0.0.1:${port}`;
  const url = address || own;
  const env = { ...process.env, KENOMA_DATA_DIR: data, KENOMA_URL: url, KENOMA_LISTEN: `127.0.0.1:${port}`, KENOMA_RATE_LIMIT_ENABLED: "false", KENOMA_LOG_LEVEL: "warn" };
  const kenoma = (...args) => execFileSync(bin, args, { env }).toString().trim();
  for (const name of names) {
    kenoma("user", "create", name, "--email", `${name}@example.org`, "--password", password);
  }
  const server = spawn(bin, ["serve"], { env, stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => server.kill("SIGKILL")); // Where a test breaks off.
  for (let i = 0; ; i++) {
    try {
      if ((await fetch(`${own}/health`)).ok) break;
    } catch {
      assert.ok(i < 400, "the server does not start");
    }
    await new Promise((r) => setTimeout(r, 50));
  }
  const stop = async () => {
    const gone = once(server, "exit");
    server.kill("SIGTERM");
    await gone;
    rmSync(data, { recursive: true, force: true });
  };
  return { url, port, kenoma, stop };
}

// until returns what find returns once that is not empty, and fails after 20 s.
export async function until(what, find) {
  for (let i = 0; i < 200; i++) {
    const found = await find();
    if (found) return found;
    await new Promise((r) => setTimeout(r, 100));
  }
  assert.fail(`${what} did not come`);
}

// Browser is a small one: it keeps cookies, and fills in the forms that it is shown.
export class Browser {
  cookies = new Map();
  constructor(url) {
    this.url = url;
  }
  async go(address, form) {
    const headers = { cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ") };
    const resp = await fetch(new URL(address, this.url), { method: form ? "POST" : "GET", body: form, headers, redirect: "manual" });
    for (const line of resp.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const to = resp.headers.get("location");
    if (to?.startsWith(this.url) || to?.startsWith("/")) return this.go(to);
    return { status: resp.status, to, text: await resp.text() };
  }
  // hidden fields of the page's form, with more.
  fields(html, more) {
    const form = new URLSearchParams();
    for (const [tag] of html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(tag)[1];
      const value = /value="([^"]*)"/.exec(tag)[1];
      form.append(name, value.replaceAll("&amp;", "&").replaceAll("&#43;", "+").replaceAll("&#34;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">"));
    }
    for (const [k, v] of Object.entries(more)) form.set(k, v);
    return form;
  }
  async authorize(query, name) {
    let page = await this.go(`/oauth/authorize?${new URLSearchParams(query)}`);
    if (page.text.includes('name="password"')) {
      page = await this.go("/auth/sign_in", this.fields(page.text, { login: name, password }));
    }
    assert.match(page.text, /name="answer"|value="yes"/, "no consent page");
    return this.go("/oauth/authorize", this.fields(page.text, { answer: "yes" }));
  }
}

// picture is a PNG of one colour.
export function picture(width, height) {
  const chunk = (type, body) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length);
    head.write(type, 4);
    const all = Buffer.concat([head.subarray(4), body]);
    let crc = ~0;
    for (const byte of all) {
      crc ^= byte;
      for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(~crc >>> 0);
    return Buffer.concat([head, body, tail]);
  };
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(width);
  ihdr.writeUInt32BE(height, 4);
  ihdr.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.concat(Array.from({ length: height }, () => Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 120)])));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", ihdr), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
