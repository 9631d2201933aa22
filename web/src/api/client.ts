/** One page of a list, and where the next one is. */
export interface Page<T> {
  items: T[];
  /** Path and query of the next page; undefined at the end. */
  next?: string;
}

/** An answer that is not a success, or none at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** For each field that was refused, the reasons; sent by sign-up. */
    readonly details: Record<string, { error: string; description: string }[]> = {},
    /** The code of an OAuth error. */
    readonly code = '',
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | boolean | string[] | undefined>;

/** How long an answer may take, in ms. */
const patience = 30_000;

/**
 * Client speaks HTTP with one server. `token` is asked at each request, so that signing in or out needs no
 * new client; `refused` is told when the server no longer takes the token.
 */
export class Client {
  constructor(
    readonly base: string,
    private readonly token: () => string | undefined,
    private readonly refused: () => void = () => {},
  ) {}

  async get<T>(path: string, query?: Query): Promise<T> {
    return read<T>(await this.request('GET', path + search(query)));
  }

  async post<T>(path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
    return read<T>(await this.request('POST', path, body, headers));
  }

  async put<T>(path: string, body?: unknown): Promise<T> {
    return read<T>(await this.request('PUT', path, body));
  }

  async patch<T>(path: string, body?: unknown): Promise<T> {
    return read<T>(await this.request('PATCH', path, body));
  }

  async delete<T>(path: string): Promise<T> {
    return read<T>(await this.request('DELETE', path));
  }

  /** Reads a page of a list; `path` may be the `next` of the page before. */
  async page<T>(path: string, query?: Query): Promise<Page<T>> {
    const answer = await this.request('GET', path + search(query));
    return { items: await read<T[]>(answer), next: nextPage(answer.headers.get('Link')) };
  }

  /** Sends a request as whoever is signed in, or as `as`; throws ApiError unless it succeeds. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    as = this.token(),
  ): Promise<Response> {
    const form = body instanceof FormData;
    let answer: Response;
    try {
      answer = await fetch(this.base + path, {
        method,
        headers: {
          Accept: 'application/json',
          ...(as ? { Authorization: `Bearer ${as}` } : {}),
          ...(body === undefined || form ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        body: form ? body : body === undefined ? undefined : JSON.stringify(body),
        credentials: 'omit',
        signal: AbortSignal.timeout(patience),
      });
    } catch {
      throw new ApiError(0, '');
    }
    if (answer.ok) return answer;
    if (answer.status === 401 && as && as === this.token()) this.refused();
    throw await errorOf(answer);
  }
}

/** Makes the query of an address: `?a=1&b[]=2`, or nothing. Undefined and empty values are left out. */
export function search(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) value.forEach((v) => params.append(`${name}[]`, v));
    else if (value !== undefined && value !== '') params.append(name, String(value));
  }
  const text = params.toString();
  return text && `?${text}`;
}

/**
 * Finds the next page in a Link header. Only path and query count: the server may know itself by another
 * name than the one in the address bar.
 *
 * spec: rfc8288#section-3
 */
export function nextPage(link: string | null): string | undefined {
  for (const part of link?.split(/,\s*(?=<)/) ?? []) {
    const match = /^\s*<([^>]*)>.*;\s*rel="?next"?/.exec(part);
    if (!match) continue;
    const url = new URL(match[1], 'http://localhost');
    return url.pathname + url.search;
  }
  return undefined;
}

async function read<T>(answer: Response): Promise<T> {
  return (await answer.json()) as T;
}

async function errorOf(answer: Response): Promise<ApiError> {
  const body = await answer.json().catch(() => ({}));
  const text = body.error_description ?? body.error ?? '';
  return new ApiError(answer.status, String(text), body.details, String(body.error ?? ''));
}
