// A session with Phanpy, a web client that others wrote, in Chromium with the real
// program behind TLS:
//
//     npm run phanpy -- FOLDER
//
// FOLDER holds Phanpy as its releases have it, built: index.html, assets and so on
// (https://github.com/cheeaun/phanpy). It is on no registry, so that this is not a part
// of the suite. Pictures of what was seen are left in screenshots/. Nothing but the
// two servers on loopback is reached.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer as createPlain, request } from "node:http";
import { createServer as createSecure } from "node:https";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, resolve, sep } from "node:path";
import { chromium } from "playwright-core";
import { password, picture, startAs, until } from "./world.mjs";

const folder = resolve(process.argv[2] ?? "");
const pictures = join(import.meta.dirname, "screenshots");
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json", ".webmanifest": "application/manifest+json", ".png": "image/png", ".ico": "image/x-icon" };

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));

// files serves the client.
function files() {
  return createPlain((req, resp) => {
    const path = resolve(join(folder, decodeURIComponent(new URL(req.url, "http://client").pathname)));
    try {
      assert.ok(path === folder || path.startsWith(folder + sep));
      const file = path === folder ? join(folder, "index.html") : path;
      const body = readFileSync(file);
      resp.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream" }).end(body);
    } catch {
      resp.writeHead(404).end();
    }
  });
}

// secure passes requests and WebSockets on to a port, as a reverse proxy does.
function secure(port, pair) {
  const proxy = createSecure(pair, (req, resp) => {
    const onward = request({ port, method: req.method, path: req.url, headers: { ...req.headers, "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.1" } }, (answer) => {
      resp.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(resp);
    });
    onward.on("error", () => resp.destroy());
    req.pipe(onward);
  });
  proxy.on("upgrade", (req, socket, head) => {
    const onward = connect(port, "127.0.0.1", () => {
      const lines = [];
      for (let i = 0; i < req.rawHeaders.length; i += 2) lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`);
      onward.write(`${req.method} ${req.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const s of [onward, socket]) s.on("error", () => (onward.destroy(), socket.destroy()));
  });
  return proxy;
}

// certificate makes one for the server's name, which the browser is told to take.
function certificate(dir) {
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=kenoma.test", "-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")], { stdio: "ignore" });
  return { key: readFileSync(join(dir, "key.pem")), cert: readFileSync(join(dir, "cert.pem")) };
}

const temp = mkdtempSync(join(tmpdir(), "kenoma-phanpy-"));
mkdirSync(pictures, { recursive: true });
const world = await startAs("https://kenoma.test", "ann", "bob");
const proxy = secure(world.port, certificate(temp));
const client = files();
const [securePort, clientPort] = [await listen(proxy), await listen(client)];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--ignore-certificate-errors", `--host-resolver-rules=MAP kenoma.test:443 127.0.0.1:${securePort}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost`],
});
let failed = true;
try {
  await session();
  failed = false;
} catch (err) {
  for (const [i, page] of browser.contexts().flatMap((c) => c.pages()).entries()) await page.screenshot({ path: join(pictures, `phanpy-failed-${i}.png`) });
  throw err;
} finally {
  await browser.close();
  for (const s of [client, proxy]) s.closeAllConnections(), s.close();
  await world.stop();
  rmSync(temp, { recursive: true, force: true });
}

async function session() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  const problems = []; // Answers of our server that are errors, and errors of the page.
  context.on("response", (r) => r.url().startsWith(world.url) && r.status() >= 400 && problems.push(`${r.status()} ${r.request().method()} ${r.url()}`));
  context.on("requestfailed", (r) => r.url().startsWith(world.url) && !/ERR_ABORTED/.test(r.failure().errorText) && problems.push(`${r.failure().errorText} ${r.url()}`));
  page.on("pageerror", (err) => problems.push(String(err)));
  const shoot = async (name) => {
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(pictures, `phanpy-${name}.png`) });
    console.log(`seen: ${name}`);
  };
  const as = (name, token = world.kenoma("token", "create", name)) => async (method, path, body) => {
    const resp = await fetch(`http://127.0.0.1:${world.port}${path}`, { method, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    assert.ok(resp.ok, `${resp.status} ${method} ${path}`);
    return resp.json();
  };
  const [asAnn, asBob] = [as("ann"), as("bob")];

  // The sign-in opens a window of ours, which must find its way back.
  await page.goto(`http://127.0.0.1:${clientPort}/#/login`);
  await page.locator("#instanceURL").fill("kenoma.test");
  await shoot("login");
  const opened = context.waitForEvent("page");
  await page.getByRole("button", { name: /continue/i }).click();
  const window = await opened;
  await window.locator("input[type=password]").fill(password);
  await window.locator("input[name=login]").fill("ann");
  await window.locator("form:has(input[type=password]) button").click();
  await window.locator("button[value=yes]").click();
  await page.locator("#compose-button").waitFor();
  await shoot("home-empty");

  const at = (path) => page.goto(`http://127.0.0.1:${clientPort}/#/${path}`);
  const status = (text) => page.locator(".status", { hasText: text }).first();

  // Ann follows Bob from his profile, and hears of him at once.
  const { id: bobID } = await asBob("GET", "/api/v1/accounts/verify_credentials");
  await asBob("POST", "/api/v1/statuses", { status: "The first of Bob" });
  await at(`kenoma.test/a/${bobID}`);
  await status("The first of Bob").waitFor();
  await page.getByRole("button", { name: /^follow$/i }).first().click();
  await until("the follower", async () => (await asBob("GET", `/api/v1/accounts/${bobID}/followers`)).length === 1);
  await shoot("profile");
  await until("Bob's post at home", async () => (await asAnn("GET", "/api/v1/timelines/home")).length === 1);
  await at("");
  await page.reload();
  await status("The first of Bob").waitFor();
  const live = await asBob("POST", "/api/v1/statuses", { status: "Live from Bob #wall" });
  await page.locator(".updates-button").or(status("Live from Bob")).first().waitFor();
  if (await page.locator(".updates-button").count()) await page.locator(".updates-button").first().click();
  await status("Live from Bob").waitFor();
  await shoot("home");

  // She writes with a picture and a warning.
  const wall = join(temp, "wall.png");
  writeFileSync(wall, picture(640, 480));
  await page.locator("#compose-button").click();
  const compose = page.locator("#compose-container");
  await compose.locator("textarea.compose-field").fill("Ann looks at a #wall, with @bob");
  await compose.locator('input[type="file"]').first().setInputFiles(wall);
  await compose.locator(".media-attachment, .media-preview").first().waitFor();
  await compose.getByPlaceholder("Image description").fill("A grey wall");
  await shoot("compose");
  await compose.locator('button[type="submit"]').click();
  await compose.waitFor({ state: "detached" });
  const written = await until("Ann's post", async () => (await asBob("GET", "/api/v1/timelines/public?local=true")).find((s) => s.account.acct === "ann"));
  assert.equal(written.media_attachments[0].description, "A grey wall");
  assert.equal(written.mentions[0].acct, "bob");

  // She looks at Bob's, likes it, boosts it, keeps it and answers.
  await at(`kenoma.test/s/${live.id}`);
  const hero = page.locator(".status.large").first();
  await hero.locator(".favourite-button").click();
  await until("the favourite", async () => (await asBob("GET", `/api/v1/statuses/${live.id}`)).favourites_count === 1);
  await hero.locator(".bookmark-button").click();
  await hero.locator(".reblog-button").click();
  await page.locator(".szh-menu__item", { hasText: /boost/i }).first().click();
  await until("the boost", async () => (await asBob("GET", `/api/v1/statuses/${live.id}`)).reblogs_count === 1);
  await hero.locator(".reply-button").first().click();
  await page.locator("#compose-container textarea.compose-field").pressSequentially("Well said");
  await page.locator('#compose-container button[type="submit"]').click();
  const { descendants } = await until("the answer", async () => {
    const context = await asBob("GET", `/api/v1/statuses/${live.id}/context`);
    return context.descendants.length > 0 && context;
  });
  assert.match(descendants[0].content, /Well said/);
  await status("Well said").waitFor();
  await shoot("thread");

  // What Bob does comes as notifications; what he writes is found.
  await asBob("POST", `/api/v1/statuses/${written.id}/favourite`);
  await asBob("POST", `/api/v1/statuses/${written.id}/reblog`);
  await asBob("POST", "/api/v1/statuses", { status: "@ann a fine wall", in_reply_to_id: written.id });
  await asBob("POST", "/api/v1/statuses", { status: "Which?", poll: { options: ["this", "that"], expires_in: 3600 } });
  await at("notifications");
  await status("a fine wall").waitFor();
  await shoot("notifications");
  await at("kenoma.test/t/wall");
  await status("Live from Bob").waitFor();
  await shoot("tag");
  await at("kenoma.test/p/l");
  await status("Which?").locator("input[type=radio]").first().check();
  await status("Which?").getByRole("button", { name: /vote/i }).click();
  await until("the vote", async () => (await asBob("GET", "/api/v1/timelines/public?local=true")).some((s) => s.poll?.votes_count === 1));
  await shoot("public");
  await at("search?q=bob");
  await page.getByText("@bob").first().waitFor();
  await shoot("search");
  await at("b");
  await status("Live from Bob").waitFor();
  await shoot("bookmarks");
  for (const [path, name] of [
    ["l", "lists"],
    ["ft", "filters"],
    ["fh", "tags"],
    ["kenoma.test/trending", "trending"],
    ["catchup", "catchup"],
    ["settings", "settings"],
  ]) {
    await at(path);
    await shoot(name);
  }
  if (problems.length) console.log(problems.join("\n"));
  assert.deepEqual(problems, []);
}
if (failed) process.exitCode = 1;
