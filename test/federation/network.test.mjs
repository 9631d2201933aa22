// Three servers on a network: the whole journey, then one of them is cut off for a
// while, everybody goes on, and after it is back all know the same.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Network } from "./network.mjs";

const possible = () => {
  try {
    execFileSync("ip", ["netns", "add", "kenoma-try"], { stdio: "ignore" });
    execFileSync("ip", ["netns", "del", "kenoma-try"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const skip = possible() || process.env.CI === "true" ? false : "network namespaces need root and iproute2";

describe("three servers on a network", { skip }, () => {
  const network = new Network(["a.test", "b.test", "c.test"]);
  const people = {}; // Where each lives.
  const ids = {}; // Of each account, by server: ids["a.test"].bob
  let a, b, c;

  before(async () => {
    [a, b, c] = network.start();
    Object.assign(people, { ann: a, bob: b, cat: c });
    await Promise.all(Object.entries(people).map(([name, server]) => server.start([name])));
  });
  after(() => network.stop());

  const as = (name, method, path, body) => people[name].call(name, method, path, body);
  const until = (what, name, path, fits) => people[name].until(what, name, path, fits);
  const find = async (name, uri) => {
    const { statuses } = await as(name, "GET", `/api/v2/search?type=statuses&q=${encodeURIComponent(uri)}`);
    return statuses[0];
  };
  const id = (name, of) => ids[people[name].name][of];
  const relation = (name, of) => `/api/v1/accounts/relationships?id[]=${id(name, of)}`;
  const seen = async (name, uri, fits = () => true) => {
    const home = await until(`${uri} for ${name}`, name, "/api/v1/timelines/home?limit=40", (l) => l.some((s) => s.uri === uri && fits(s)));
    return home.find((s) => s.uri === uri);
  };
  const post = (name, status, more = {}) => as(name, "POST", "/api/v1/statuses", { status, ...more });

  test("all follow each other", async () => {
    for (const name of Object.keys(people)) {
      ids[people[name].name] = {};
      for (const other of Object.keys(people).filter((o) => o !== name)) {
        const { accounts } = await as(name, "GET", `/api/v2/search?resolve=true&q=@${other}@${people[other].name}`);
        ids[people[name].name][other] = accounts[0].id;
        await as(name, "POST", `/api/v1/accounts/${accounts[0].id}/follow`);
      }
    }
    for (const name of Object.keys(people)) {
      for (const other of Object.keys(people).filter((o) => o !== name)) {
        await until(`${name} and ${other} follow each other`, name, relation(name, other), ([r]) => r.following && r.followed_by);
      }
    }
  });

  test("the whole journey", async () => {
    const first = await post("ann", "Hello to all.");
    const atBob = await seen("bob", first.uri);
    await seen("cat", first.uri);
    await as("bob", "POST", `/api/v1/statuses/${atBob.id}/favourite`);
    await as("bob", "POST", `/api/v1/statuses/${atBob.id}/reblog`);
    const reply = await post("bob", "@ann@a.test Hello back.", { in_reply_to_id: atBob.id });
    await until("Bob's favourite, boost and reply", "ann", `/api/v1/statuses/${first.id}`, (s) => s.favourites_count === 1 && s.reblogs_count === 1 && s.replies_count === 1);
    await until("the reply in Cat's copy of the thread", "cat", `/api/v1/statuses/${(await find("cat", first.uri)).id}/context`, (t) => t.descendants.some((s) => s.uri === reply.uri));

    const poll = await post("cat", "Tea or coffee?", { poll: { options: ["tea", "coffee"], expires_in: 86_400 } });
    const pollAtAnn = await seen("ann", poll.uri);
    await as("ann", "POST", `/api/v1/polls/${pollAtAnn.poll.id}/votes`, { choices: [0] });
    await until("Ann's vote", "cat", `/api/v1/statuses/${poll.id}`, (s) => s.poll.votes_count === 1);

    const quiet = await post("ann", "For followers.", { visibility: "private" });
    await seen("bob", quiet.uri);
    const direct = await post("bob", "@cat@c.test Between us.", { visibility: "direct" });
    await until("Bob's direct post", "cat", "/api/v1/conversations", (l) => l.some((d) => d.last_status?.uri === direct.uri));
    const { statuses } = await as("ann", "GET", `/api/v2/search?type=statuses&resolve=true&q=${encodeURIComponent(direct.uri)}`);
    assert.equal(statuses.length, 0, "Ann reads a direct post that is not for her");

    await as("ann", "PUT", `/api/v1/statuses/${first.id}`, { status: "Hello to everybody." });
    await seen("bob", first.uri, (s) => s.content.includes("everybody"));
    await as("ann", "DELETE", `/api/v1/statuses/${first.id}`);
    await until("the deletion", "bob", "/api/v1/timelines/home", (l) => !l.some((s) => s.uri === first.uri));
  });

  test("goes on while one is cut off, and all know the same afterwards", async () => {
    const before = await post("ann", "Written before.");
    const fading = await post("ann", "Soon gone.");
    for (const name of ["bob", "cat"]) for (const p of [before, fading]) await seen(name, p.uri);
    const catBefore = await find("cat", before.uri);

    network.cut(c);
    c.alone = true;
    await as("ann", "PUT", `/api/v1/statuses/${before.id}`, { status: "Changed meanwhile." });
    await as("ann", "DELETE", `/api/v1/statuses/${fading.id}`);
    const there = await post("ann", "Who is there?");
    const bobs = await post("bob", "I am.", { in_reply_to_id: (await seen("bob", there.uri)).id });
    const alone = await post("cat", "Is anybody there?");
    await as("cat", "POST", `/api/v1/statuses/${catBefore.id}/favourite`);
    await as("cat", "POST", `/api/v1/statuses/${catBefore.id}/reblog`);
    await as("cat", "POST", `/api/v1/accounts/${id("cat", "bob")}/unfollow`);
    await new Promise((r) => setTimeout(r, 15_000)); // The first tries fail.
    network.cut(c, false);
    c.alone = false;

    const patiently = async (what, check) => {
      const end = Date.now() + 240_000;
      for (let last; ; await new Promise((r) => setTimeout(r, 1_000))) {
        try {
          if (await check()) return;
        } catch (err) {
          last = err;
        }
        assert.ok(Date.now() < end, `${what} ${last ?? ""}`);
      }
    };
    const copy = (name, uri) => find(name, uri);
    for (const name of ["ann", "bob"]) await patiently(`Cat's post for ${name}`, async () => (await copy(name, alone.uri))?.content.includes("anybody"));
    await patiently("Ann's posts for Cat", async () => (await copy("cat", there.uri)) && (await copy("cat", bobs.uri)));
    await patiently("the edit for Cat", async () => (await copy("cat", before.uri)).content.includes("meanwhile"));
    await patiently("the deletion for Cat", async () => !(await copy("cat", fading.uri)));
    await patiently("Cat's favourite and boost", async () => {
      const s = await as("ann", "GET", `/api/v1/statuses/${before.id}`);
      return s.favourites_count === 1 && s.reblogs_count === 1;
    });
    await patiently("the end of Cat's follow", async () => !(await as("bob", "GET", relation("bob", "cat")))[0].followed_by);

    // Every post is the same on all three.
    for (const uri of [before.uri, there.uri, bobs.uri, alone.uri, fading.uri]) {
      const copies = await Promise.all(Object.keys(people).map((name) => copy(name, uri)));
      const states = new Set(copies.map((s) => s && JSON.stringify([s.uri, s.content.replace(/<[^>]*>/g, ""), s.visibility, s.edited_at !== null, s.created_at])));
      assert.equal(states.size, 1, `${uri} differs: ${[...states].join(" | ")}`);
    }
  });
});
