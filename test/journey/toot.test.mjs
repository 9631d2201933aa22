// A session of toot, the command-line client of Debian's packages, against the real
// program.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Browser, password, picture, start, until } from "./world.mjs";

const home = mkdtempSync(join(tmpdir(), "kenoma-toot-"));
const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, PYTHONIOENCODING: "utf-8", LC_ALL: "C.UTF-8" };
let world, host;

before(async () => {
  world = await start("ann", "bob");
  host = new URL(world.url).host;
});
after(async () => {
  await world.stop();
  rmSync(home, { recursive: true, force: true });
});

// toot runs a command and returns what it prints, without colours.
const toot = (...args) => run(args).then(({ code, text }) => (assert.equal(code, 0, `toot ${args.join(" ")}: ${text}`), text));

// refused runs a command that is to fail, and returns what it says.
const refused = (...args) => run(args).then(({ code, text }) => (assert.notEqual(code, 0, `toot ${args.join(" ")}: ${text}`), text));

function run(args, input) {
  return new Promise((done) => {
    const child = execFile("toot", [...args, "--no-color"], { env, timeout: 60_000 }, (err, out, said) => done({ code: err ? (err.code ?? 1) : 0, text: out + said }));
    child.stdin.end(input ?? "");
  });
}

// idOf finds the status with some text in what a timeline prints.
function idOf(timeline, text) {
  const at = timeline.indexOf(text);
  assert.ok(at >= 0, `no ${JSON.stringify(text)} in ${timeline}`);
  return /ID (\d+)/.exec(timeline.slice(at))[1];
}

test("signs in with a password", async () => {
  const { code, text } = await run(["login_cli", "--disable-https", "-i", host, "-e", "ann@example.org"], password);
  assert.equal(code, 0, text);
  assert.match(text, /Successfully logged in/);
  const wrong = await run(["login_cli", "--disable-https", "-i", host, "-e", "bob@example.org"], "something else");
  assert.notEqual(wrong.code, 0);
  assert.match(await toot("whoami"), /@ann/);
});

test("signs in with a browser and a code", async () => {
  const child = spawn("toot", ["login", "--disable-https", "-i", host, "--no-color"], { env });
  let said = "";
  const exit = new Promise((done) => child.on("exit", done));
  const link = new Promise((done, fail) => {
    child.stdout.on("data", (b) => {
      said += b;
      const found = /http:\S+\/oauth\/authorize\/\?\S+/.exec(said);
      if (found) done(new URL(found[0]));
    });
    child.stderr.on("data", (b) => (said += b));
    exit.then(() => fail(new Error(said)));
  });
  child.stdin.write("n\n");
  const page = await new Browser(world.url).authorize((await link).searchParams, "bob");
  child.stdin.end(`${/<code[^>]*>([^<]+)<\/code>/.exec(page.text)[1]}\n`);
  assert.equal(await exit, 0, said);
  assert.match(await toot("whoami"), /@bob/);
  const both = await toot("auth");
  assert.ok(both.includes(`ann@${host}`) && both.includes(`bob@${host}`), both);
});

let first;
test("posts, with a picture, a warning, later, and as a reply", async () => {
  const wall = join(home, "wall.png");
  writeFileSync(wall, picture(64, 48));
  await toot("activate", `ann@${host}`);
  assert.match(await toot("post", "Look at this #wall", "--media", wall, "--description", "A grey wall", "--spoiler-text", "a wall", "--language", "en"), /\/@ann\/\d+/);
  assert.match(await toot("upload", wall, "--description", "Another"), /Successfully uploaded media ID \d+, type 'image'/);
  assert.match(await toot("post", "Good morning", "--scheduled-in", "1 hour"), /scheduled/i);
  first = idOf(await toot("timeline", "--once"), "Look at this #wall");
  await toot("activate", `bob@${host}`);
  await toot("post", "@ann nice", "--reply-to", first);
  await toot("post", "for Ann alone, @ann", "--visibility", "direct");
  const thread = await toot("thread", first);
  assert.ok(thread.includes("nice") && thread.includes(`In reply to ${first}`), thread);
});

test("reads timelines", async () => {
  assert.match(await toot("timeline", "--public", "--local", "--once"), /Look at this/);
  const tag = await toot("timeline", "--tag", "wall", "--once");
  assert.match(tag, /Look at this/);
  assert.match(tag, new RegExp(`http://${host}/\\S+`)); // The picture.
  assert.doesNotMatch(await toot("timeline", "--public", "--once"), /for Ann alone/);
});

test("follows people and tags, and finds them", async () => {
  assert.match(await toot("follow", "ann"), /now following ann/);
  assert.match(await toot("following", "bob"), /@ann/);
  assert.match(await toot("followers", `ann@${host}`), /@bob/);
  assert.match(await toot("timeline", "--once"), /Look at this/);
  assert.match(await toot("search", "ann"), /@ann/);
  assert.match(await toot("search", "#wall"), /#wall/);
  await until("the follower", async () => /Followers: 1/.test(await toot("whois", "ann"))); // Counts lag by seconds.
  await toot("tags_follow", "wall");
  assert.match(await toot("tags_followed"), /#wall/);
  await toot("tags_unfollow", "wall");
  assert.doesNotMatch(await toot("tags_followed"), /#wall/);
  assert.match(await refused("follow", "nobody"), /not found/i);
});

test("favourites, boosts, bookmarks and pins", async () => {
  await toot("favourite", first);
  await toot("reblog", first);
  await toot("bookmark", first);
  assert.match(await toot("bookmarks"), /Look at this/);
  assert.match(await toot("reblogged_by", first), /@bob/);
  await toot("unbookmark", first);
  assert.doesNotMatch(await toot("bookmarks"), /Look at this/);
  await toot("unreblog", first);
  await toot("unfavourite", first);
  assert.match(await refused("pin", first), /./); // It isn't Bob's.
  await toot("favourite", first);
  await toot("reblog", first);
});

test("hears of what others did", async () => {
  await toot("activate", `ann@${host}`);
  const all = await toot("notifications");
  for (const what of ["now follows you", "mentioned you in", "reblogged your status", "favourited your status"]) assert.ok(all.includes(what), `no "${what}" in ${all}`);
  const mentions = await toot("notifications", "--mentions");
  assert.ok(mentions.includes("mentioned you in") && !mentions.includes("now follows you"), mentions);
  assert.match(await toot("notifications", "--clear"), /Cleared/);
  assert.match(await toot("notifications"), /No notification/);
  await toot("pin", first);
  await toot("unpin", first);
});

test("keeps people off", async () => {
  for (const [on, off] of [
    ["mute", "unmute"],
    ["block", "unblock"],
  ]) {
    await toot(on, "bob");
    await toot(off, "bob"); // Still to be found.
  }
  await toot("activate", `bob@${host}`);
  await toot("follow", "ann");
  assert.match(await toot("unfollow", "ann"), /no longer following/);
});

test("reads about the server, deletes and signs out", async () => {
  assert.match(await toot("instance", host, "--disable-https"), /4\.\d+\.\d+ \(compatible; Kenoma/);
  await toot("activate", `ann@${host}`);
  await toot("delete", first);
  assert.match(await refused("thread", first), /./);
  assert.doesNotMatch(await toot("timeline", "--once"), /Look at this/);
  await toot("logout", `ann@${host}`);
  assert.match((await run(["whoami"])).text, /requires that you are logged in/); // It still succeeds.
});
