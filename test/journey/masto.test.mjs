// A whole day of an app: the client library masto against the real program.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { createOAuthAPIClient, createRestAPIClient, createStreamingAPIClient } from "masto";
import { Browser, oob, picture, start } from "./world.mjs";

const scope = "read write follow push";
let world, url, ann, bob, annToken;

before(async () => {
  world = await start("ann", "bob");
  url = world.url;
});

after(() => world.stop());

test("registers, signs in with PKCE and comes back", async () => {
  const rest = createRestAPIClient({ url });
  const redirectUri = "https://app.example/callback";
  const app = await rest.v1.apps.create({ clientName: "Journey", redirectUris: redirectUri, scopes: scope, website: "https://app.example" });
  const verifier = randomBytes(32).toString("base64url");
  const browser = new Browser(url);
  const state = "a state & more";
  const back = await browser.authorize(
    { client_id: app.clientId, redirect_uri: redirectUri, response_type: "code", scope, state, code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" },
    "ann",
  );
  const to = new URL(back.to);
  assert.equal(to.origin + to.pathname, redirectUri);
  assert.equal(to.searchParams.get("state"), state);
  const oauth = createOAuthAPIClient({ url });
  const code = to.searchParams.get("code");
  const exchange = { grantType: "authorization_code", clientId: app.clientId, clientSecret: app.clientSecret, redirectUri, code, scope };
  await assert.rejects(oauth.token.create({ ...exchange, codeVerifier: "wrong" }));
  // A code that somebody tried in vain is spent.
  const again = await browser.authorize(
    { client_id: app.clientId, redirect_uri: redirectUri, response_type: "code", scope, code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" },
    "ann",
  );
  const token = await oauth.token.create({ ...exchange, code: new URL(again.to).searchParams.get("code"), codeVerifier: verifier });
  annToken = token.accessToken;
  ann = createRestAPIClient({ url, accessToken: annToken });
  const me = await ann.v1.accounts.verifyCredentials();
  assert.equal(me.acct, "ann");
  assert.equal(me.source.privacy, "public");
});

test("signs in out of band", async () => {
  const app = await createRestAPIClient({ url }).v1.apps.create({ clientName: "Terminal", redirectUris: oob, scopes: scope });
  const page = await new Browser(url).authorize({ client_id: app.clientId, redirect_uri: oob, response_type: "code", scope }, "bob");
  const code = /<code[^>]*>([^<]+)<\/code>/.exec(page.text)[1];
  const token = await createOAuthAPIClient({ url }).token.create({ grantType: "authorization_code", clientId: app.clientId, clientSecret: app.clientSecret, redirectUri: oob, code, scope });
  bob = createRestAPIClient({ url, accessToken: token.accessToken });
  assert.equal((await bob.v1.accounts.verifyCredentials()).acct, "bob");
});

test("reads about the server", async () => {
  const instance = await ann.v2.instance.fetch();
  assert.match(instance.version, /^4\.\d+\.\d+ \(compatible; Kenoma/);
  assert.ok(instance.configuration.statuses.maxCharacters >= 500);
  assert.ok((await ann.v1.preferences.fetch())["posting:default:visibility"]);
});

let post;
test("posts with a picture, and with a poll", async () => {
  const media = await ann.v2.media.create({ file: new Blob([picture(64, 48)], { type: "image/png" }), description: "A grey wall", focus: "0.5,-0.5" });
  assert.equal(media.type, "image");
  assert.equal(media.description, "A grey wall");
  assert.ok(media.blurhash);
  post = await ann.v1.statuses.create({ status: "Look at this #wall", mediaIds: [media.id], language: "en", visibility: "public" });
  assert.equal(post.mediaAttachments[0].id, media.id);
  assert.equal(post.tags[0].name.toLowerCase(), "wall");
  assert.equal((await fetch(post.mediaAttachments[0].url)).headers.get("x-content-type-options"), "nosniff");
  const poll = await ann.v1.statuses.create({ status: "Which?", poll: { options: ["this", "that"], expiresIn: 3600 } });
  const voted = await bob.v1.polls.$select(poll.poll.id).votes.create({ choices: [1] });
  assert.equal(voted.votesCount, 1);
  assert.deepEqual(voted.ownVotes, [1]);
});

test("edits, with history and source", async () => {
  const edited = await ann.v1.statuses.$select(post.id).update({ status: "Look at that #wall", mediaIds: [post.mediaAttachments[0].id], spoilerText: "a wall" });
  assert.ok(edited.editedAt);
  assert.equal(edited.spoilerText, "a wall");
  assert.equal(edited.mediaAttachments.length, 1);
  assert.equal((await ann.v1.statuses.$select(post.id).source.fetch()).text, "Look at that #wall");
  assert.equal((await ann.v1.statuses.$select(post.id).history.list()).length, 2);
});

test("hears of everything over one socket", async () => {
  const streaming = createStreamingAPIClient({ streamingApiUrl: url.replace("http", "ws"), accessToken: annToken });
  const events = [];
  const sub = streaming.user.subscribe();
  (async () => {
    for await (const event of sub) events.push(event);
  })().catch(() => {});
  const heard = async (what, match) => {
    for (let i = 0; !events.some(match); i++) {
      assert.ok(i < 200, `no ${what} among ${JSON.stringify(events.map((e) => e.event))}`);
      await new Promise((r) => setTimeout(r, 50));
    }
  };
  // The library waits before it connects and does not say when it listens.
  for (let i = 0; events.length === 0; i++) {
    assert.ok(i < 40, "nothing is heard");
    await ann.v1.statuses.create({ status: `Do you hear me? ${i}`, visibility: "unlisted" });
    await new Promise((r) => setTimeout(r, 250));
  }
  const { id } = await bob.v1.accounts.lookup({ acct: "ann" });
  await bob.v1.accounts.$select(id).follow();
  await bob.v1.statuses.$select(post.id).favourite();
  await bob.v1.statuses.$select(post.id).reblog();
  await bob.v1.statuses.create({ status: "@ann nice", inReplyToId: post.id });
  const mine = await ann.v1.statuses.create({ status: "Soon gone" });
  await heard("update", (e) => e.event === "update" && e.payload.id === mine.id);
  await ann.v1.statuses.$select(mine.id).remove();
  await heard("delete", (e) => e.event === "delete" && e.payload === mine.id);
  sub.unsubscribe();
  streaming.close();
  const kinds = events.filter((e) => e.event === "notification").map((e) => e.payload.type);
  for (const kind of ["follow", "favourite", "reblog", "mention"]) assert.ok(kinds.includes(kind), `no ${kind} among ${kinds}`);
});

test("looks at notifications, threads, timelines and people", async () => {
  const kinds = (await ann.v1.notifications.list()).map((n) => n.type);
  assert.ok(kinds.includes("follow") && kinds.includes("mention"), `${kinds}`);
  const thread = await ann.v1.statuses.$select(post.id).context.fetch();
  assert.equal(thread.descendants.length, 1);
  assert.equal((await ann.v1.statuses.$select(post.id).favouritedBy.list())[0].acct, "bob");
  assert.ok((await bob.v1.timelines.home.list()).length > 0);
  assert.equal((await ann.v1.timelines.tag.$select("wall").list())[0].id, post.id);
  assert.equal((await ann.v2.search.list({ q: "bob" })).accounts[0].acct, "bob");
  assert.equal((await bob.v2.search.list({ q: post.url, resolve: true })).statuses[0].id, post.id);
});

test("pages with the links that the server gives", async () => {
  for (let i = 0; i < 7; i++) await ann.v1.statuses.create({ status: `page ${i}` });
  const seen = new Set();
  for await (const page of ann.v1.timelines.home.list({ limit: 3 })) {
    assert.ok(page.length <= 3);
    for (const s of page) {
      assert.ok(!seen.has(s.id), "a post came twice");
      seen.add(s.id);
    }
  }
  assert.ok(seen.size >= 9, `${seen.size} posts`);
});

test("keeps filters, lists, markers and bookmarks", async () => {
  const filter = await ann.v2.filters.create({ title: "Walls", context: ["home", "public"], filterAction: "warn", keywordsAttributes: [{ keyword: "wall", wholeWord: "true" }] });
  assert.equal(filter.keywords[0].keyword, "wall");
  const wall = await bob.v1.statuses.create({ status: "Another brick in the wall" });
  const caught = (await ann.v1.timelines.public.list()).find((s) => s.id === wall.id);
  assert.equal(caught.filtered[0].filter.title, "Walls");
  await ann.v2.filters.$select(filter.id).remove();

  const list = await bob.v1.lists.create({ title: "Friends", repliesPolicy: "list" });
  const { id } = await bob.v1.accounts.lookup({ acct: "ann" });
  await bob.v1.lists.$select(list.id).accounts.create({ accountIds: [id] });
  await ann.v1.statuses.create({ status: "For the list" });
  assert.match((await bob.v1.timelines.list.$select(list.id).list())[0].content, /For the list/);

  await ann.v1.markers.create({ home: { lastReadId: post.id } });
  assert.equal((await ann.v1.markers.fetch({ timeline: ["home"] })).home.lastReadId, post.id);
  await ann.v1.statuses.$select(post.id).bookmark();
  assert.equal((await ann.v1.bookmarks.list())[0].id, post.id);
});

test("changes the profile", async () => {
  const me = await ann.v1.accounts.updateCredentials({ displayName: "Ann", note: "Hello", avatar: new Blob([picture(200, 100)], { type: "image/png" }), fieldsAttributes: [{ name: "Page", value: "https://ann.example" }] });
  assert.equal(me.displayName, "Ann");
  assert.equal(me.fields[0].name, "Page");
  assert.ok((await fetch(me.avatar)).ok);
});

test("gets the text back of what it deletes, and ends its access", async () => {
  const gone = await ann.v1.statuses.create({ status: "Again, better" });
  assert.equal((await ann.v1.statuses.$select(gone.id).remove()).text, "Again, better");
  await assert.rejects(ann.v1.statuses.$select(gone.id).fetch(), { statusCode: 404 });
});
