// A small server on the framework Fedify: one person, who remembers what arrives.
// Signatures, documents, look-ups and deliveries are Fedify's, not ours.
import { createServer } from "node:http";
import { createFederation, generateCryptoKeyPair, InProcessMessageQueue, MemoryKvStore } from "@fedify/fedify";
import { Temporal } from "@js-temporal/polyfill";
import * as vocab from "@fedify/vocab";
import { Accept, Create, Endpoints, Follow, Note, Person, PUBLIC_COLLECTION, Undo } from "@fedify/vocab";

const name = "fay";

export class Peer {
  notes = new Map();
  followers = new Map();
  arrived = []; // {type, actor, object, activity}, in the order of arrival.

  // knock is the form of signatures that is tried first: "rfc9421" or
  // "draft-cavage-http-signatures-12".
  constructor(knock) {
    this.federation = createFederation({
      kv: new MemoryKvStore(),
      queue: new InProcessMessageQueue({ pollInterval: { milliseconds: 50 } }),
      allowPrivateAddress: true,
      firstKnock: knock,
      onOutboxError: (err, activity) => console.error("fedify outbox:", activity?.id?.href, err),
    });
    this.dispatch();
    this.listen();
  }

  async start() {
    this.keys = [await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"), await generateCryptoKeyPair("Ed25519")];
    this.server = createServer((req, res) => this.serve(req, res));
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.host = `127.0.0.1:${this.server.address().port}`;
    this.url = `http://${this.host}`;
    this.ctx = this.federation.createContext(new URL(this.url), this);
    this.uri = this.ctx.getActorUri(name);
    this.acct = `${name}@${this.host}`;
  }

  stop() {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  async serve(req, res) {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const request = new Request(`${this.url}${req.url}`, {
      method: req.method,
      headers: Object.entries(req.headers).map(([k, v]) => [k, String(v)]),
      body: chunks.length ? Buffer.concat(chunks) : undefined,
    });
    const answer = await this.federation.fetch(request, { contextData: this });
    res.writeHead(answer.status, Object.fromEntries(answer.headers));
    res.end(Buffer.from(await answer.arrayBuffer()));
  }

  dispatch() {
    this.federation
      .setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
        if (identifier !== name) return null;
        const keys = await ctx.getActorKeyPairs(identifier);
        return new Person({
          id: ctx.getActorUri(identifier),
          preferredUsername: identifier,
          name: "Fay of Fedify",
          summary: "<p>Made with somebody else's software.</p>",
          inbox: ctx.getInboxUri(identifier),
          outbox: ctx.getOutboxUri(identifier),
          followers: ctx.getFollowersUri(identifier),
          endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
          publicKey: keys[0].cryptographicKey,
          assertionMethods: keys.map((k) => k.multikey),
        });
      })
      .setKeyPairsDispatcher(() => this.keys);
    this.federation
      .setFollowersDispatcher("/users/{identifier}/followers", () => ({ items: [...this.followers.values()] }))
      .setCounter(() => this.followers.size);
    this.federation.setOutboxDispatcher("/users/{identifier}/outbox", () => ({ items: [...this.notes.values()].map((n) => this.create(n)) }));
    this.federation.setObjectDispatcher(Note, "/notes/{id}", (ctx, { id }) => this.notes.get(id) ?? null);
  }

  listen() {
    const inbox = this.federation.setInboxListeners("/users/{identifier}/inbox", "/inbox").setSharedKeyDispatcher(() => ({ identifier: name }));
    inbox.on(Follow, async (ctx, follow) => {
      await this.note("Follow", follow);
      const who = await follow.getActor(ctx);
      this.followers.set(who.id.href, who);
      await ctx.sendActivity({ identifier: name }, who, new Accept({ id: this.id("accepts"), actor: this.uri, object: follow }));
    });
    inbox.on(Undo, async (ctx, undo) => {
      const what = await undo.getObject(ctx);
      if (what instanceof Follow) this.followers.delete(undo.actorId.href);
      await this.note("Undo", undo);
    });
    for (const type of ["Accept", "Create", "Update", "Delete", "Like", "Announce", "EmojiReact", "Block"]) {
      inbox.on(vocab[type], (ctx, activity) => this.note(type, activity));
    }
    inbox.onError((ctx, err) => console.error("fedify inbox:", err));
  }

  async note(type, activity) {
    const object = await activity.getObject({ ...this.ctx, documentLoader: this.ctx.documentLoader }).catch(() => null);
    this.arrived.push({ type, actor: activity.actorId?.href, object: activity.objectId?.href ?? object?.id?.href, inline: object, activity });
  }

  // until waits for an arrival that fits, for at most 20 seconds.
  async until(what, fits) {
    for (let i = 0; i < 400; i++) {
      const found = this.arrived.find(fits);
      if (found) return found;
      await new Promise((r) => setTimeout(r, 50));
    }
    throw new Error(`${what} did not arrive; there are ${JSON.stringify(this.arrived.map(({ type, object }) => [type, object]))}`);
  }

  n = 0;
  id(kind) {
    return new URL(`${this.url}/${kind}/${++this.n}`);
  }

  create(note) {
    return new Create({ id: new URL(`${note.id.href}#create`), actor: this.uri, object: note, tos: note.toIds, ccs: note.ccIds });
  }

  // post makes a public Note and sends it to the followers, and to whom it answers.
  async post(content, more = {}, to = []) {
    const id = String(++this.n);
    const note = new Note({
      id: this.ctx.getObjectUri(Note, { id }),
      attribution: this.uri,
      content,
      tos: [PUBLIC_COLLECTION],
      ccs: [this.ctx.getFollowersUri(name), ...to.map((a) => a.id)],
      published: Temporal.Now.instant(),
      ...more,
    });
    this.notes.set(id, note);
    await this.send(this.create(note), to);
    return note;
  }

  // send delivers to the followers and to others.
  async send(activity, others = []) {
    const recipients = new Map([...this.followers, ...others.map((a) => [a.id.href, a])]);
    await this.ctx.sendActivity({ identifier: name }, [...recipients.values()], activity);
  }

  // look fetches somebody's document, signed.
  async look(uri) {
    const documentLoader = await this.ctx.getDocumentLoader({ identifier: name });
    const found = await vocab.lookupObject(uri, { documentLoader, allowPrivateAddress: true });
    if (!found) throw new Error(`${uri} can't be had`);
    return found;
  }
}
