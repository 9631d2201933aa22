import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer, type WebSocket } from 'ws';
import type { NewStatus, Status } from '../../src/api/types';
import { reacted } from '../../src/logic/reactions';
import { World } from './world';

/**
 * A small stand-in for a Mastodon-compatible server, for tests of the page without the real one. It also gives
 * out the built page, under the policy that the real server sends.
 */
export class Fake {
  world!: World;
  url = '';
  /** Paths that fail, with the status to fail with; for tests of what the page does then. */
  failing = new Map<string, number>();
  /** Requests that were made, as `METHOD /path`. */
  seen: string[] = [];
  private server!: Server;
  private sockets = new Map<WebSocket, Set<string>>();
  private codes = new Map<string, string>();
  private idempotent = new Map<string, Status>();

  async start(port = 0): Promise<string> {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((err) => {
        console.error(err);
        send(response, 500, { error: String(err) });
      });
    });
    const streaming = new WebSocketServer({
      server: this.server,
      path: '/api/v1/streaming',
      handleProtocols: ([p]) => p,
    });
    streaming.on('connection', (socket) => {
      this.sockets.set(socket, new Set());
      socket.on('message', (text) => {
        const { type, stream } = JSON.parse(String(text));
        if (type === 'subscribe') this.sockets.get(socket)?.add(stream);
        else this.sockets.get(socket)?.delete(stream);
      });
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    this.world = new World(this.url);
    return this.url;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.keys()) socket.terminate();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Cuts every stream, as a server that restarts does. */
  cut(): void {
    for (const socket of this.sockets.keys()) socket.terminate();
  }

  /** Tells everyone who listens to a stream. */
  tell(stream: string, event: string, payload: unknown): void {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    for (const [socket, wanted] of this.sockets) {
      if (wanted.has(stream)) socket.send(JSON.stringify({ stream: [stream], event, payload: text }));
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const call = `${request.method} ${url.pathname}`;
    this.seen.push(call);
    const failure = this.failing.get(call);
    if (failure) return send(response, failure, { error: 'This fails on purpose.' });
    if (url.pathname.startsWith('/api/')) return this.api(request, response, url);
    if (url.pathname.startsWith('/oauth/')) return this.oauth(request, response, url);
    if (url.pathname.startsWith('/media/')) return this.file(response, url.pathname.slice(7));
    return this.page(response, url.pathname);
  }

  private file(response: ServerResponse, name: string): void {
    const file = this.world.files.get(decodeURIComponent(name));
    if (!file) return send(response, 404, { error: 'Record not found' });
    response.writeHead(200, { 'Content-Type': file.type, 'Cache-Control': 'max-age=600' }).end(file.body);
  }

  private async page(response: ServerResponse, path: string): Promise<void> {
    const folder = fileURLToPath(new URL('../../dist/', import.meta.url));
    const name = /^\/(assets\/[\w.-]+|favicon\.svg|manifest\.webmanifest)$/.exec(path)?.[1];
    const body = await readFile(join(folder, name ?? 'index.html'));
    response
      .writeHead(200, { 'Content-Type': types[extname(name ?? 'index.html')], ...(name ? {} : policy) })
      .end(body);
  }

  private async oauth(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (url.pathname === '/oauth/authorize' && request.method === 'GET') {
      const fields = [...url.searchParams]
        .map(([n, v]) => `<input type=hidden name="${n}" value="${v}">`)
        .join('');
      const form = `<!doctype html><html lang=en><title>Sign in</title><form method=post>${fields}<button>Allow</button></form>`;
      return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(form);
    }
    const body = await fieldsOf(request);
    if (url.pathname === '/oauth/authorize') {
      const code = `code${this.codes.size}`;
      this.codes.set(code, String(body.code_challenge));
      return void response
        .writeHead(303, {
          Location: `${body.redirect_uri}?${new URLSearchParams({ code, state: String(body.state) })}`,
        })
        .end();
    }
    if (url.pathname === '/oauth/revoke') return send(response, 200, {});
    const token = (access_token: string) =>
      send(response, 200, {
        access_token,
        token_type: 'Bearer',
        scope: 'read write follow push',
        created_at: 0,
      });
    if (body.client_id !== 'known')
      return send(response, 401, { error: 'invalid_client', error_description: 'Client unknown.' });
    if (body.grant_type === 'client_credentials') return token('app');
    const hash = createHash('sha256').update(String(body.code_verifier)).digest('base64url');
    if (this.codes.get(String(body.code)) !== hash)
      return send(response, 400, { error: 'invalid_grant', error_description: 'The code does not match.' });
    this.codes.delete(String(body.code));
    return token('ann');
  }

  private async api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const authorized = request.headers.authorization === 'Bearer ann';
    const body = request.method === 'GET' ? {} : await fieldsOf(request);
    const key = request.headers['idempotency-key'] as string | undefined;
    for (const [method, pattern, handle] of routes) {
      const match = pattern.exec(url.pathname);
      if (method !== request.method || !match) continue;
      return handle({
        fake: this,
        world: this.world,
        url,
        body,
        response,
        authorized,
        key,
        id: match[1] ?? '',
        verb: match[2] ?? '',
      });
    }
    send(response, 404, { error: 'Record not found' });
  }

  create(input: NewStatus, key?: string): Status {
    const again = key && this.idempotent.get(key);
    if (again) return again;
    const { world } = this;
    const status = world.post(world.me, input.status, {
      visibility: input.visibility === 'local' ? 'public' : (input.visibility ?? 'public'),
      local_only: input.visibility === 'local',
      spoiler_text: input.spoiler_text ?? '',
      sensitive: !!input.sensitive,
      in_reply_to_id: input.in_reply_to_id ?? null,
      quote: input.quoted_status_id
        ? { state: 'accepted', quoted_status: world.status(input.quoted_status_id) }
        : null,
      quote_approval: {
        automatic: input.quote_approval_policy === 'nobody' ? [] : [input.quote_approval_policy ?? 'public'],
        manual: [],
        current_user: 'automatic',
      },
      media_attachments: (input.media_ids ?? []).map((id) => world.media.get(id)!),
      poll: input.poll
        ? world.poll(input.poll.options, [], input.poll.multiple, input.poll.expires_in / 60)
        : null,
    });
    sources.set(status.id, input.status);
    if (key) this.idempotent.set(key, status);
    this.tell('user', 'update', status);
    if (status.visibility === 'public') this.tell('public:local', 'update', status);
    return status;
  }

  /** Has Ann react to a post with an emoji, or take it back. */
  react(c: Call, on: boolean): void {
    const status = c.world.status(c.id);
    const name = decodeURIComponent(c.verb);
    if (!status?.pleroma) return missing(c);
    const url = c.world.emojis.find((e) => e.shortcode === name)?.url;
    const list = reacted(status.pleroma.emoji_reactions ?? [], { name, url }, on);
    status.pleroma = { ...status.pleroma, emoji_reactions: list };
    ok(c, status);
  }
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

/** As web/handler.go has it. */
const policy = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
};

/** What was written, by post. */
const sources = new Map<string, string>();

interface Call {
  fake: Fake;
  world: World;
  url: URL;
  // The bodies are the page's own, and what is wrong with them shows in the tests.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  response: ServerResponse;
  authorized: boolean;
  key?: string;
  id: string;
  verb: string;
}

type Route = [method: string, path: RegExp, handle: (call: Call) => void | Promise<void>];

const route = (method: string, path: string, handle: Route[2]): Route => [
  method,
  new RegExp(`^${path.replace(':id', '(\\d+)').replace(':verb', '(\\w+)')}$`),
  handle,
];

const relationship = (world: World, id: string) => ({
  id,
  following: world.following.has(id),
  followed_by: id === world.accounts[1].id,
  requested: false,
  showing_reblogs: true,
  blocking: world.blocking.has(id),
  blocked_by: false,
  muting: world.muting.has(id),
  domain_blocking: false,
  note: '',
});

const ok = ({ response }: Call, body: unknown) => send(response, 200, body);
const missing = ({ response }: Call) => send(response, 404, { error: 'Record not found' });

const flags: Record<
  string,
  { flag: 'favourited' | 'reblogged' | 'bookmarked' | 'pinned'; count?: 'favourites_count' | 'reblogs_count' }
> = {
  favourite: { flag: 'favourited', count: 'favourites_count' },
  reblog: { flag: 'reblogged', count: 'reblogs_count' },
  bookmark: { flag: 'bookmarked' },
  pin: { flag: 'pinned' },
};

const shown = (world: World) => (s: Status) => !world.blocking.has(s.account.id);

const routes: Route[] = [
  route('POST', '/api/v1/apps', (c) => ok(c, { client_id: 'known', client_secret: 'secret' })),
  route('GET', '/api/v2/instance', (c) => ok(c, instance(c.world))),
  route('GET', '/api/v1/custom_emojis', (c) => ok(c, c.world.emojis)),
  route('POST', '/api/v1/accounts', (c) => {
    if (c.body.username !== 'ann')
      return ok(c, { access_token: 'ann', token_type: 'Bearer', scope: '', created_at: 0 });
    const details = { username: [{ error: 'ERR_TAKEN', description: 'This name is taken.' }] };
    send(c.response, 422, { error: 'Validation failed', details });
  }),
  route('GET', '/api/v1/accounts/verify_credentials', (c) =>
    c.authorized
      ? ok(c, {
          ...c.world.me,
          source: {
            privacy: 'public',
            sensitive: false,
            language: 'en',
            note: '',
            follow_requests_count: 0,
            quote_policy: 'public',
          },
        })
      : send(c.response, 401, { error: 'The access token is invalid' }),
  ),
  route('GET', '/api/v1/markers', (c) => ok(c, c.world.markers)),
  route('POST', '/api/v1/markers', (c) => ok(c, Object.assign(c.world.markers, c.body))),
  route('GET', '/api/v1/timelines/home', (c) => page(c, c.world.list(shown(c.world)))),
  route('GET', '/api/v1/timelines/public', (c) => {
    const local = c.url.searchParams.get('local') === 'true';
    page(
      c,
      c.world.list(
        (s) => s.visibility === 'public' && !s.reblog && (!local || !s.account.acct.includes('@')),
      ),
    );
  }),
  route('GET', '/api/v1/timelines/tag/\\w+', (c) => {
    const tag = c.url.pathname.split('/').at(-1);
    page(
      c,
      c.world.list((s) => s.tags.some((x) => x.name === tag)),
    );
  }),
  route('GET', '/api/v1/bookmarks', (c) =>
    page(
      c,
      c.world.list((s) => !!s.bookmarked),
    ),
  ),
  route('GET', '/api/v1/favourites', (c) =>
    page(
      c,
      c.world.list((s) => !!s.favourited),
    ),
  ),
  route('GET', '/api/v1/notifications', (c) => {
    const wanted = c.url.searchParams.getAll('types[]');
    page(
      c,
      c.world.notifications.filter((n) => !wanted.length || wanted.includes(n.type)),
    );
  }),
  route('POST', '/api/v1/statuses', (c) => ok(c, c.fake.create(c.body, c.key))),
  route('GET', '/api/v1/statuses/:id', (c) => {
    const status = c.world.status(c.id);
    if (status) ok(c, status);
    else missing(c);
  }),
  route('GET', '/api/v1/statuses/:id/context', (c) => ok(c, c.world.context(c.id))),
  route('GET', '/api/v1/statuses/:id/source', (c) =>
    ok(c, { id: c.id, text: sources.get(c.id) ?? '', spoiler_text: c.world.status(c.id)?.spoiler_text }),
  ),
  route('PUT', '/api/v1/statuses/:id', (c) => {
    const status = c.world.status(c.id)!;
    sources.set(c.id, c.body.status);
    Object.assign(status, {
      content: `<p>${c.body.status}</p>`,
      spoiler_text: c.body.spoiler_text ?? '',
      edited_at: new Date().toISOString(),
    });
    ok(c, status);
  }),
  route('DELETE', '/api/v1/statuses/:id', (c) => {
    c.world.statuses = c.world.statuses.filter((s) => s.id !== c.id);
    c.fake.tell('user', 'delete', c.id);
    ok(c, {});
  }),
  route('POST', '/api/v1/statuses/:id/translate', (c) =>
    ok(c, {
      content: '<p>Good morning from the market.</p>',
      spoiler_text: '',
      language: c.body.lang,
      detected_source_language: 'de',
      provider: 'LibreTranslate',
    }),
  ),
  route('POST', '/api/v1/statuses/:id/:verb', (c) => {
    const status = c.world.status(c.id);
    const off = c.verb.startsWith('un');
    const row = flags[off ? c.verb.slice(2) : c.verb];
    if (!status || !row) return missing(c);
    if (!!status[row.flag] === off) {
      status[row.flag] = !off;
      if (row.count) status[row.count] += off ? -1 : 1;
    }
    ok(c, c.verb === 'reblog' ? { ...status, id: `${c.id}0`, reblog: status } : status);
  }),
  route('GET', '/api/v1/statuses/:id/history', (c) => {
    const { content, created_at, edited_at, spoiler_text, sensitive, media_attachments, emojis } =
      c.world.status(c.id)!;
    const now = { content, spoiler_text, sensitive, media_attachments, emojis };
    ok(c, [
      { ...now, content: '<p>As it was first said.</p>', created_at },
      { ...now, created_at: edited_at ?? created_at },
    ]);
  }),
  route('GET', '/api/v1/statuses/:id/(?:favourited|reblogged)_by', (c) =>
    page(
      c,
      c.world.accounts.filter((a) => a !== c.world.me),
    ),
  ),
  route('GET', '/api/v1/statuses/:id/quotes', (c) =>
    page(
      c,
      c.world.list((s) => s.quote?.quoted_status?.id === c.id),
    ),
  ),
  route('POST', '/api/v1/statuses/:id/quotes/(\\d+)/revoke', (c) => {
    const status = c.world.status(c.verb)!;
    ok(c, Object.assign(status, { quote: { state: 'revoked', quoted_status: null } }));
  }),
  route('GET', '/api/v1/pleroma/statuses/:id/reactions', (c) =>
    ok(
      c,
      (c.world.status(c.id)?.pleroma?.emoji_reactions ?? []).map((r) => ({
        ...r,
        accounts: r.account_ids?.map((id) => c.world.account(id)),
      })),
    ),
  ),
  route('PUT', '/api/v1/pleroma/statuses/:id/reactions/([^/]+)', (c) => c.fake.react(c, true)),
  route('DELETE', '/api/v1/pleroma/statuses/:id/reactions/([^/]+)', (c) => c.fake.react(c, false)),
  route('POST', '/api/v1/polls/:id/votes', (c) => {
    const poll = c.world.polls.get(c.id)!;
    for (const i of c.body.choices) poll.options[i].votes_count!++;
    poll.votes_count += c.body.choices.length;
    poll.voters_count!++;
    ok(c, Object.assign(poll, { voted: true, own_votes: c.body.choices }));
  }),
  route('GET', '/api/v1/polls/:id', (c) => ok(c, c.world.polls.get(c.id))),
  route('GET', '/api/v1/accounts/lookup', (c) => {
    const found = c.world.accounts.find((a) => a.acct === c.url.searchParams.get('acct'));
    if (found) ok(c, found);
    else missing(c);
  }),
  route('GET', '/api/v1/accounts/relationships', (c) =>
    ok(
      c,
      c.url.searchParams.getAll('id[]').map((id) => relationship(c.world, id)),
    ),
  ),
  route('GET', '/api/v1/accounts/:id/statuses', (c) => {
    const flag = (name: string) => c.url.searchParams.get(name) === 'true';
    page(
      c,
      c.world.list(
        (s) =>
          s.account.id === c.id &&
          (!flag('pinned') || !!s.pinned) &&
          (!flag('exclude_replies') || !s.in_reply_to_id) &&
          (!flag('only_media') || s.media_attachments.length > 0),
      ),
    );
  }),
  route('GET', '/api/v1/accounts/:id/(?:followers|following)', (c) =>
    page(
      c,
      c.world.accounts.filter((a) => a.id !== c.id),
    ),
  ),
  route('POST', '/api/v1/accounts/:id/:verb', (c) => {
    const off = c.verb.startsWith('un');
    const set = { follow: c.world.following, block: c.world.blocking, mute: c.world.muting }[
      off ? c.verb.slice(2) : c.verb
    ]!;
    if (off) set.delete(c.id);
    else set.add(c.id);
    ok(c, relationship(c.world, c.id));
  }),
  route('POST', '/api/v1/follow_requests/:id/:verb', (c) => ok(c, relationship(c.world, c.id))),
  route('PATCH', '/api/v1/accounts/update_credentials', (c) => {
    if (c.body.display_name) c.world.me.display_name = c.body.display_name;
    ok(c, {
      ...c.world.me,
      source: {
        privacy: 'public',
        sensitive: false,
        language: 'en',
        note: '',
        follow_requests_count: 0,
        quote_policy: 'public',
      },
    });
  }),
  route('GET', '/api/v2/search', (c) => {
    const q = (c.url.searchParams.get('q') ?? '').toLowerCase();
    const type = c.url.searchParams.get('type');
    const bare = q.replace(/^[@#]/, '');
    const tags = [...new Set(c.world.statuses.flatMap((s) => s.tags.map((x) => x.name)))];
    ok(c, {
      accounts:
        type && type !== 'accounts'
          ? []
          : c.world.accounts.filter((a) => `${a.acct} ${a.display_name}`.toLowerCase().includes(bare)),
      hashtags:
        type && type !== 'hashtags'
          ? []
          : tags.filter((x) => x.includes(bare)).map((name) => ({ name, url: '', history: [{ uses: '3' }] })),
      statuses: c.world.statuses.filter((s) => s.url === q || s.uri === q),
    });
  }),
  route('POST', '/api/v2/media', (c) => {
    const made = c.world.attach(null, 'image', null);
    c.world.files.set(`up-${made.id}`, { type: c.body.file.type, body: c.body.file.bytes });
    send(c.response, 202, made);
  }),
  route('GET', '/api/v1/media/:id', (c) => {
    const media = c.world.media.get(c.id)!;
    const waited = c.fake.seen.filter((s) => s === `GET /api/v1/media/${c.id}`).length > 1;
    if (!waited) return send(c.response, 206, media);
    const url = `/media/up-${c.id}`;
    ok(c, Object.assign(media, { url, preview_url: url }));
  }),
  route('PUT', '/api/v1/media/:id', (c) =>
    ok(c, Object.assign(c.world.media.get(c.id)!, { description: c.body.description })),
  ),
];

function instance(world: World) {
  return {
    domain: 'kenoma.test',
    title: 'Kenoma Test',
    version: '4.6.0 (compatible; Kenoma 0.1.0)',
    description: '<p>A small, quiet server for tests.</p>',
    languages: ['en'],
    pleroma: { metadata: { features: ['pleroma_emoji_reactions', 'custom_emoji_reactions'] } },
    configuration: {
      translation: { enabled: true },
      urls: {},
      statuses: { max_characters: 500, max_media_attachments: 4, characters_reserved_per_url: 23 },
      media_attachments: {
        supported_mime_types: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'],
        description_limit: 1500,
      },
      polls: {
        max_options: 4,
        max_characters_per_option: 50,
        min_expiration: 300,
        max_expiration: 2_629_746,
      },
    },
    registrations: { enabled: true, approval_required: false, message: null },
    contact: { email: '', account: world.me },
    rules: [
      { id: '1', text: 'Be kind.' },
      { id: '2', text: 'Mark what is not for everybody.' },
    ],
  };
}

/** Sends 20 of a list, after `max_id` if that is given, with a Link to the next. */
function page(c: Call, all: { id: string }[]): void {
  const max = c.url.searchParams.get('max_id');
  const from = max ? all.filter((x) => BigInt(x.id) < BigInt(max)) : all;
  const items = from.slice(0, Number(c.url.searchParams.get('limit') ?? 20));
  if (from.length > items.length) {
    const next = new URL(c.url);
    next.searchParams.set('max_id', items.at(-1)!.id);
    c.response.setHeader('Link', `<${next}>; rel="next"`);
  }
  ok(c, items);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function fieldsOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (!bytes.length) return {};
  if (type.includes('json')) return JSON.parse(String(bytes));
  const form = await new Response(bytes, { headers: { 'Content-Type': type } }).formData();
  const fields: Record<string, unknown> = {};
  for (const [name, value] of form) {
    fields[name] =
      typeof value === 'string' ? value : { type: value.type, bytes: Buffer.from(await value.arrayBuffer()) };
  }
  return fields;
}
