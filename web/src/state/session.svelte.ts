import { Api } from '../api/calls';
import { Client } from '../api/client';
import { SignIn } from '../api/oauth';
import type { CredentialAccount, CustomEmoji, Instance } from '../api/types';

/** Reads what an earlier visit stored; null if there is nothing, or nothing that can be read. */
export function stored<T>(key: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

/** Stores for the next visit, or forgets with null; a full or forbidden storage is no reason to stop. */
export function store(key: string, value: unknown): void {
  try {
    if (value === null || value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The page works without it, as long as it is open.
  }
}

/** Who is signed in, and on what kind of server. */
class Session {
  token = $state<string | undefined>(stored<string>('kenoma.token') ?? undefined);
  me = $state.raw<CredentialAccount | null>(stored('kenoma.me'));
  instance = $state.raw<Instance | null>(stored('kenoma.instance'));
  emojis = $state.raw<CustomEmoji[]>([]);
  /** Set when the server ended the session, so that the page can say so. */
  expired = $state(false);

  begin(token: string): void {
    store('kenoma.token', token);
    setAppCookie(true);
    this.expired = false;
    this.token = token;
  }

  forget(): void {
    this.token = undefined;
    this.me = null;
    store('kenoma.token', null);
    store('kenoma.me', null);
    setAppCookie(false);
  }

  async loadMe(): Promise<void> {
    this.me = await api.me();
    store('kenoma.me', this.me);
    setAppCookie(true);
  }

  async loadInstance(): Promise<void> {
    this.instance = await api.instance();
    store('kenoma.instance', this.instance);
  }

  /** Whether the server has a version of the API; waits until it has said which one it has. */
  async offers(version: number): Promise<boolean> {
    if (!this.instance) await this.loadInstance().catch(() => {});
    return (this.instance?.api_versions?.mastodon ?? 0) >= version;
  }

  /** Whether the server names a feature among Pleroma's. */
  has(feature: string): boolean {
    return !!this.instance?.pleroma?.metadata?.features?.includes(feature);
  }

  async loadEmojis(): Promise<void> {
    this.emojis = await api.customEmojis();
  }

  isMe(account: { id: string }): boolean {
    return this.me?.id === account.id;
  }
}

/**
 * Tells the server that this browser wants this page, and not the one without scripts, at addresses such as
 * /@name. It carries no right (usesApp in internal/server).
 */
function setAppCookie(on: boolean): void {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `kenoma_app=1; Path=/; SameSite=Lax; Max-Age=${on ? 31_536_000 : 0}${secure}`;
}

export const session = new Session();

const http = new Client(
  '',
  () => session.token,
  () => {
    session.forget();
    session.expired = true;
  },
);

export const api = new Api(http);
export const signIn = new SignIn(
  new Client('', () => undefined),
  location.origin,
  localStorage,
  sessionStorage,
);
