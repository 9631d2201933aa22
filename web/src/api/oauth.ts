import { ApiError, type Client } from './client';
import type { Application, Token } from './types';

export const scopes = 'read write follow push';

/** What is kept between leaving for the sign-in page and coming back. */
interface Trip {
  state: string;
  verifier: string;
  back: string;
}

/**
 * SignIn is the OAuth side of the page, which is a client like any other: authorization code with PKCE. The
 * registration lives in `storage`, the trip's secrets in `trip` (this tab only).
 *
 * spec: rfc6749#section-4.1, rfc7636
 */
export class SignIn {
  constructor(
    private readonly http: Client,
    private readonly origin: string,
    private readonly storage: Storage,
    private readonly trip: Storage,
  ) {}

  private get redirect() {
    return `${this.origin}/callback`;
  }

  /** The address to go to; `back` is the path to return to afterwards. */
  async begin(back: string): Promise<string> {
    const { client_id } = (await this.app()).app;
    const trip: Trip = { state: secret(), verifier: secret(), back };
    this.trip.setItem('kenoma.trip', JSON.stringify(trip));
    const query = new URLSearchParams({
      response_type: 'code',
      client_id,
      redirect_uri: this.redirect,
      scope: scopes,
      state: trip.state,
      code_challenge: await challenge(trip.verifier),
      code_challenge_method: 'S256',
    });
    return `${this.origin}/oauth/authorize?${query}`;
  }

  /** Turns the query of the callback into a token; throws ApiError if anything about it is wrong. */
  async finish(query: URLSearchParams): Promise<{ token: string; back: string }> {
    const text = this.trip.getItem('kenoma.trip');
    this.trip.removeItem('kenoma.trip');
    const trip = text ? (JSON.parse(text) as Trip) : null;
    const code = query.get('code');
    if (!trip || !code || query.get('state') !== trip.state) {
      throw new ApiError(400, query.get('error_description') ?? '', {}, query.get('error') ?? 'state');
    }
    const app = this.known();
    if (!app) throw new ApiError(400, '', {}, 'state');
    const token = await this.token(app, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.redirect,
      code_verifier: trip.verifier,
    });
    return { token: token.access_token, back: trip.back };
  }

  /** A token for sign-up, which belongs to the page and to no account. */
  async appToken(): Promise<string> {
    return (await this.app()).token;
  }

  async end(token: string): Promise<void> {
    const app = this.known();
    if (app) await this.http.request('POST', '/oauth/revoke', { ...app, token });
  }

  /** Our registration, tried out: a server that was set up anew does not know the old one. */
  private async app(): Promise<{ app: Application; token: string }> {
    const known = this.known();
    if (known) {
      try {
        return { app: known, token: await this.tryOut(known) };
      } catch (err) {
        if (!(err instanceof ApiError) || err.status === 0 || err.status >= 500) throw err;
      }
    }
    const made = await this.http.post<Application>('/api/v1/apps', {
      client_name: 'Kenoma',
      redirect_uris: this.redirect,
      scopes,
      website: this.origin,
    });
    const app = { client_id: made.client_id, client_secret: made.client_secret };
    this.storage.setItem('kenoma.app', JSON.stringify({ ...app, redirect: this.redirect }));
    return { app, token: await this.tryOut(app) };
  }

  private async tryOut(app: Application): Promise<string> {
    const grant = { grant_type: 'client_credentials', redirect_uri: this.redirect, scope: scopes };
    return (await this.token(app, grant)).access_token;
  }

  private token(app: Application, grant: Record<string, string>): Promise<Token> {
    return this.http.post<Token>('/oauth/token', { ...app, ...grant });
  }

  private known(): Application | null {
    try {
      const { redirect, ...app } = JSON.parse(this.storage.getItem('kenoma.app') ?? 'null');
      return redirect === this.redirect ? app : null;
    } catch {
      return null;
    }
  }
}

/** 256 random bits as text that fits into an address. */
function secret(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier: string): Promise<string> {
  const bytes = new TextEncoder().encode(verifier);
  // Plain http in a home network has no crypto.subtle: browsers keep it for https and localhost.
  if (!crypto.subtle) return base64url((await import('../logic/sha256')).sha256(bytes));
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
