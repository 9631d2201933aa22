import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Client, nextPage, search } from './client';
import { SignIn } from './oauth';
import { Stream, type StreamEvent } from './stream';

describe('nextPage', () => {
  const cases: [name: string, link: string | null, want: string | undefined][] = [
    ['none', null, undefined],
    ['next', '<https://a.test/api/v1/x?max_id=5>; rel="next"', '/api/v1/x?max_id=5'],
    [
      'next among others',
      '<https://a.test/x?min_id=9>; rel="prev", <https://a.test/x?max_id=5&a=b,c>; rel="next"',
      '/x?max_id=5&a=b,c',
    ],
    ['the last page', '<https://a.test/x?min_id=9>; rel="prev"', undefined],
  ];
  for (const [name, link, want] of cases) it(name, () => expect(nextPage(link)).toBe(want));
});

describe('search', () => {
  it('names lists with brackets and leaves out what is empty', () => {
    expect(search({ a: 1, b: ['x', 'y'], c: undefined, d: '', e: false })).toBe(
      '?a=1&b%5B%5D=x&b%5B%5D=y&e=false',
    );
  });
});

describe('Client', () => {
  afterEach(() => vi.unstubAllGlobals());

  const answer = (status: number, body: unknown) => {
    const fetch = vi.fn(async () => new Response(JSON.stringify(body), { status }));
    vi.stubGlobal('fetch', fetch);
    return fetch;
  };

  it('carries the token and JSON', async () => {
    const fetch = answer(200, { ok: true });
    await new Client('', () => 'secret').post('/x', { a: 1 });
    const [, init] = fetch.mock.calls[0] as unknown as [string, RequestInit];
    expect(init.headers).toMatchObject({
      Authorization: 'Bearer secret',
      'Content-Type': 'application/json',
    });
    expect(init.body).toBe('{"a":1}');
    expect(init.credentials).toBe('omit');
  });

  it('passes on why something was refused', async () => {
    answer(422, {
      error: 'Validation failed',
      details: { username: [{ error: 'ERR_TAKEN', description: 'Taken.' }] },
    });
    const err = await new Client('', () => undefined).get('/x').catch((e) => e);
    expect(err).toBeInstanceOf(ApiError);
    expect(err).toMatchObject({
      status: 422,
      message: 'Validation failed',
      details: { username: [{ description: 'Taken.' }] },
    });
  });

  it('tells that the token is no longer taken', async () => {
    answer(401, { error: 'The access token is invalid' });
    const refused = vi.fn();
    await new Client('', () => 'old', refused).get('/x').catch(() => {});
    expect(refused).toHaveBeenCalledOnce();
  });

  it('gives status 0 when there is no connection', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed')));
    await expect(new Client('', () => undefined).get('/x')).rejects.toMatchObject({ status: 0 });
  });
});

describe('SignIn', () => {
  const calls: { path: string; body: Record<string, string> }[] = [];
  /** Knows the client ids in `known`; registers `new`. */
  function server(known: Set<string>): Client {
    return {
      post: async (path: string, body: Record<string, string>) => {
        calls.push({ path, body });
        if (path === '/api/v1/apps') return (known.add('new'), { client_id: 'new', client_secret: 's' });
        if (!known.has(body.client_id)) throw new ApiError(401, '', {}, 'invalid_client');
        return { access_token: body.grant_type === 'authorization_code' ? 'mine' : 'app' };
      },
    } as unknown as Client;
  }
  const make = (known: Set<string>) =>
    new SignIn(server(known), 'https://a.test', localStorage, sessionStorage);

  beforeEach(() => {
    localStorage.clear();
    sessionStorage.clear();
    calls.length = 0;
  });

  it('goes there and back', async () => {
    const signIn = make(new Set());
    const url = new URL(await signIn.begin('/local'));
    expect(url.pathname).toBe('/oauth/authorize');
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    const state = url.searchParams.get('state')!;

    const { token, back } = await signIn.finish(new URLSearchParams({ code: 'c', state }));
    expect([token, back]).toEqual(['mine', '/local']);

    const verifier = calls.at(-1)!.body.code_verifier;
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
    const challenge = btoa(String.fromCharCode(...digest))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');
    expect(url.searchParams.get('code_challenge')).toBe(challenge);
  });

  it('refuses a code that it did not ask for', async () => {
    const signIn = make(new Set());
    await signIn.begin('/');
    await expect(signIn.finish(new URLSearchParams({ code: 'c', state: 'other' }))).rejects.toMatchObject({
      code: 'state',
    });
  });

  it('takes a code once', async () => {
    const signIn = make(new Set());
    const state = new URL(await signIn.begin('/')).searchParams.get('state')!;
    const query = new URLSearchParams({ code: 'c', state });
    await signIn.finish(query);
    await expect(signIn.finish(query)).rejects.toBeInstanceOf(ApiError);
  });

  it('registers once, and again when the server forgot', async () => {
    const registrations = () => calls.filter((c) => c.path === '/api/v1/apps').length;
    const known = new Set<string>();
    await make(known).begin('/');
    await make(known).begin('/');
    expect(registrations()).toBe(1);
    known.clear();
    await make(known).begin('/');
    expect(registrations()).toBe(2);
  });
});

class FakeSocket {
  readyState = 0;
  sent: string[] = [];
  onopen?: () => void;
  onmessage?: (e: { data: string }) => void;
  onclose?: () => void;
  send = (text: string) => void this.sent.push(text);
  close = () => void this.onclose?.();
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  lose() {
    this.readyState = 3;
    this.onclose?.();
  }
}

describe('Stream', () => {
  let sockets: FakeSocket[];
  let events: StreamEvent[];
  let returns: number;
  let stream: Stream;

  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    events = [];
    returns = 0;
    stream = new Stream({
      open: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      onEvent: (e) => events.push(e),
      onReturn: () => returns++,
      random: () => 1,
    });
  });
  afterEach(() => {
    stream.close();
    vi.useRealTimers();
  });

  it('subscribes when the connection is there, and again after it was lost', () => {
    stream.subscribe('user');
    stream.connect();
    sockets[0].open();
    expect(sockets[0].sent).toEqual(['{"type":"subscribe","stream":"user"}']);
    sockets[0].lose();
    vi.advanceTimersByTime(1_000);
    sockets[1].open();
    expect(sockets[1].sent).toHaveLength(1);
    expect(returns).toBe(1);
  });

  it('counts who wants a stream', () => {
    stream.connect();
    sockets[0].open();
    const [first, second] = [stream.subscribe('public'), stream.subscribe('public')];
    first();
    first();
    expect(sockets[0].sent).toEqual(['{"type":"subscribe","stream":"public"}']);
    second();
    expect(sockets[0].sent.at(-1)).toBe('{"type":"unsubscribe","stream":"public"}');
  });

  it('waits longer each time, a minute at most', () => {
    stream.connect();
    const pauses = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    pauses.forEach((pause, i) => {
      sockets[i].lose();
      vi.advanceTimersByTime(pause - 1);
      expect(sockets).toHaveLength(i + 1);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(i + 2);
    });
  });

  it('passes events on and shrugs at anything else', () => {
    stream.connect();
    sockets[0].onmessage!({ data: 'thump' });
    sockets[0].onmessage!({ data: '{"error":"Unknown stream type","status":400}' });
    sockets[0].onmessage!({ data: '{"stream":["user"],"event":"delete","payload":"5"}' });
    expect(events).toEqual([{ stream: ['user'], event: 'delete', payload: '5' }]);
  });

  it('does not come back once it was closed', () => {
    stream.connect();
    stream.close();
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
  });
});
