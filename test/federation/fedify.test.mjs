// Kenoma and a server made with Fedify, a framework that others wrote, in both
// directions and with both forms of signatures.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Announce, Delete, Follow, Like, Note, Tombstone, Undo, Update } from "@fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";
import { Kenoma } from "./kenoma.mjs";
import { Peer } from "./peer.mjs";

const forms = ["draft-cavage-http-signatures-12", "rfc9421"];
for (const form of forms) {
  for (const authorized of ["false", "true"]) {
    describe(`Fedify, signing by ${form}, authorized fetch ${authorized}`, () => journey(form, authorized));
  }
}

function journey(form, authorized) {
  const kenoma = new Kenoma();
  const peer = new Peer(form);
  let fay; // The account of the peer's person, as Kenoma has it.
  let ann; // Ann, as the peer has her.
  let mine; // Ann's post.
  let theirs; // Fay's post, as Kenoma has it.
  let note; // The same, as the peer has it.

  before(async () => {
    await peer.start();
    await kenoma.start(["ann"], { KENOMA_FEDERATION_AUTHORIZED_FETCH: authorized });
  });
  after(async () => {
    peer.stop();
    await kenoma.stop();
  });

  test("is found by its handle, and follows are accepted in both directions", async () => {
    const { accounts } = await kenoma.call("ann", "GET", `/api/v2/search?resolve=true&q=@${peer.acct}`);
    assert.equal(accounts.length, 1);
    fay = accounts[0];
    assert.equal(fay.acct, peer.acct);
    assert.equal(fay.display_name, "Fay of Fedify");
    await kenoma.call("ann", "POST", `/api/v1/accounts/${fay.id}/follow`);
    await kenoma.until("Fay accepts", "ann", `/api/v1/accounts/relationships?id[]=${fay.id}`, ([r]) => r.following);
    assert.equal(peer.followers.size, 1);

    ann = await peer.look(`${kenoma.url}/users/ann`);
    await peer.send(new Follow({ id: peer.id("follows"), actor: peer.uri, object: ann.id }), [ann]);
    await peer.until("Ann's Accept", (a) => a.type === "Accept" && a.actor === ann.id.href);
    await kenoma.until("Ann is followed", "ann", `/api/v1/accounts/relationships?id[]=${fay.id}`, ([r]) => r.followed_by);
  });

  test("reads what is posted, edited, boosted and favourited here", async () => {
    mine = await kenoma.call("ann", "POST", "/api/v1/statuses", { status: "Hello, Fedify. #first", spoiler_text: "a greeting", language: "en" });
    const { inline } = await peer.until("Ann's post", (a) => a.type === "Create" && a.object === mine.uri);
    assert.ok(inline instanceof Note);
    assert.match(String(inline.content), /Hello, Fedify/);
    assert.equal(String(inline.summary), "a greeting");
    const tags = [];
    for await (const tag of inline.getTags(peer.ctx)) tags.push(String(tag.name));
    assert.deepEqual(tags, ["#first"]);

    await kenoma.call("ann", "PUT", `/api/v1/statuses/${mine.id}`, { status: "Hello again, Fedify." });
    const edit = await peer.until("Ann's edit", (a) => a.type === "Update" && a.object === mine.uri);
    assert.match(String(edit.inline.content), /Hello again/);
    const again = await peer.look(mine.uri);
    assert.match(String(again.content), /Hello again/);
  });

  test("is read here: posts, replies, favourites and boosts", async () => {
    note = await peer.post("<p>Good morning from <b>elsewhere</b>.</p>");
    const home = await kenoma.until("Fay's post at home", "ann", "/api/v1/timelines/home", (l) => l.some((s) => s.uri === note.id.href));
    theirs = home.find((s) => s.uri === note.id.href);
    assert.match(theirs.content, /Good morning from/);
    assert.equal(theirs.account.acct, peer.acct);

    await peer.send(new Like({ id: peer.id("likes"), actor: peer.uri, object: new URL(mine.uri) }), [ann]);
    await peer.send(new Announce({ id: peer.id("boosts"), actor: peer.uri, object: new URL(mine.uri) }), [ann]);
    await peer.post("<p>Hello to you.</p>", { replyTarget: new URL(mine.uri) }, [ann]);
    await kenoma.until("Fay's favourite, boost and reply", "ann", `/api/v1/statuses/${mine.id}`, (s) => s.favourites_count === 1 && s.reblogs_count === 1 && s.replies_count === 1);
    const { descendants } = await kenoma.call("ann", "GET", `/api/v1/statuses/${mine.id}/context`);
    assert.match(descendants[0].content, /Hello to you/);
  });

  test("hears of favourites, boosts and replies from here, and of their end", async () => {
    await kenoma.call("ann", "POST", `/api/v1/statuses/${theirs.id}/favourite`);
    await peer.until("Ann's favourite", (a) => a.type === "Like" && a.object === theirs.uri);
    await kenoma.call("ann", "POST", `/api/v1/statuses/${theirs.id}/reblog`);
    await peer.until("Ann's boost", (a) => a.type === "Announce" && a.object === theirs.uri);
    const answer = await kenoma.call("ann", "POST", "/api/v1/statuses", { status: `@${peer.acct} And to you.`, in_reply_to_id: theirs.id });
    const { inline } = await peer.until("Ann's reply", (a) => a.type === "Create" && a.object === answer.uri);
    assert.equal(inline.replyTargetId.href, theirs.uri);
    await kenoma.call("ann", "POST", `/api/v1/statuses/${theirs.id}/unfavourite`);
    await peer.until("the end of Ann's favourite", (a) => a.type === "Undo" && a.inline instanceof Like);
    await kenoma.call("ann", "POST", `/api/v1/statuses/${theirs.id}/unreblog`);
    await peer.until("the end of Ann's boost", (a) => a.type === "Undo" && a.inline instanceof Announce);
  });

  test("followers-only and direct posts arrive, by who may read them", async () => {
    const quiet = await kenoma.call("ann", "POST", "/api/v1/statuses", { status: "For those who follow.", visibility: "private" });
    await peer.until("the followers-only post", (a) => a.type === "Create" && a.object === quiet.uri);
    assert.match(String((await peer.look(quiet.uri)).content), /For those who follow/);
    assert.equal((await fetch(quiet.uri, { headers: { accept: "application/activity+json" } })).status, authorized === "true" ? 401 : 404);
    const direct = await peer.post("<p>Between us.</p>", { tos: [ann.id], ccs: [] }, [ann]);
    const found = await kenoma.until("the direct post", "ann", "/api/v1/conversations", (l) => l.some((c) => c.last_status?.uri === direct.id.href));
    assert.equal(found[0].last_status.visibility, "direct");
  });

  test("edits, deletes and ends of follows arrive in both directions", async () => {
    const edited = note.clone({ content: "<p>Good evening from elsewhere.</p>", updated: Temporal.Now.instant().add({ seconds: 1 }) });
    peer.notes.set(note.id.pathname.split("/").at(-1), edited);
    await peer.send(new Update({ id: peer.id("updates"), actor: peer.uri, object: edited, tos: edited.toIds, ccs: edited.ccIds }));
    await kenoma.until("Fay's edit", "ann", `/api/v1/statuses/${theirs.id}`, (s) => s.content.includes("Good evening") && s.edited_at);
    await peer.send(new Delete({ id: peer.id("deletes"), actor: peer.uri, object: new Tombstone({ id: note.id }), tos: edited.toIds }));
    await kenoma.until("Fay's deletion", "ann", "/api/v1/timelines/home", (l) => !l.some((s) => s.uri === note.id.href));

    await kenoma.call("ann", "DELETE", `/api/v1/statuses/${mine.id}`);
    await peer.until("Ann's deletion", (a) => a.type === "Delete" && a.object === mine.uri);
    assert.equal((await fetch(mine.uri, { headers: { accept: "application/activity+json" } })).status, authorized === "true" ? 401 : 410);

    const follow = new Follow({ id: peer.id("follows"), actor: peer.uri, object: ann.id }); // By another id, as Misskey does.
    await peer.send(new Undo({ id: peer.id("undos"), actor: peer.uri, object: follow }), [ann]);
    await kenoma.until("Fay follows no more", "ann", `/api/v1/accounts/relationships?id[]=${fay.id}`, ([r]) => !r.followed_by);
    await kenoma.call("ann", "POST", `/api/v1/accounts/${fay.id}/unfollow`);
    await peer.until("Ann follows no more", (a) => a.type === "Undo" && a.inline instanceof Follow);
    assert.equal(peer.followers.size, 0);
  });
}
