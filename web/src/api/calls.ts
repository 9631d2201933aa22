import { ApiError, Client, nextPage, search as queryOf, type Page, type Query } from './client';
import type * as T from './types';

/** A page of notifications that the server has put together. */
export type Grouped = T.GroupedNotifications & { next?: string };

/** Every call that the page makes, named after what it does. Answers are as the server sends them. */
export class Api {
  constructor(readonly http: Client) {}

  // Server
  instance = () => this.http.get<T.Instance>('/api/v2/instance');
  customEmojis = () => this.http.get<T.CustomEmoji[]>('/api/v1/custom_emojis');

  // Myself
  me = () => this.http.get<T.CredentialAccount>('/api/v1/accounts/verify_credentials');
  updateMe = (form: FormData) =>
    this.http.patch<T.CredentialAccount>('/api/v1/accounts/update_credentials', form);
  markers = () => this.http.get<T.Markers>('/api/v1/markers', { timeline: ['home', 'notifications'] });
  mark = (name: 'home' | 'notifications', id: string) =>
    this.http.post<T.Markers>('/api/v1/markers', { [name]: { last_read_id: id } });

  // Lists
  statuses = (path: string, query?: Query): Promise<Page<T.Status>> => this.http.page<T.Status>(path, query);
  accounts = (path: string, query?: Query): Promise<Page<T.Account>> =>
    this.http.page<T.Account>(path, query);
  notifications = (path = '/api/v1/notifications', query?: Query) =>
    this.http.page<T.Notification>(path, query);
  async groupedNotifications(path: string, query?: Query): Promise<Grouped> {
    const answer = await this.http.request('GET', path + queryOf(query));
    return {
      ...((await answer.json()) as T.GroupedNotifications),
      next: nextPage(answer.headers.get('Link')),
    };
  }
  clearNotifications = () => this.http.post('/api/v1/notifications/clear');
  notificationPolicy = () => this.http.get<T.NotificationPolicy>('/api/v2/notifications/policy');
  setNotificationPolicy = (changes: Partial<Record<T.PolicyKind, T.Treatment>>) =>
    this.http.patch<T.NotificationPolicy>('/api/v2/notifications/policy', changes);
  notificationRequests = (path = '/api/v1/notifications/requests') =>
    this.http.page<T.NotificationRequest>(path);
  /** Lets the withheld notifications of some people in, or puts them away. */
  answerNotificationRequests = (ids: string[], verb: 'accept' | 'dismiss') =>
    this.http.post(`/api/v1/notifications/requests/${verb}`, { id: ids });

  search = (q: string, query: Query = {}) => this.http.get<T.Search>('/api/v2/search', { q, ...query });

  // Posts
  status = (id: string) => this.http.get<T.Status>(`/api/v1/statuses/${id}`);
  context = (id: string) => this.http.get<T.Context>(`/api/v1/statuses/${id}/context`);
  source = (id: string) => this.http.get<T.StatusSource>(`/api/v1/statuses/${id}/source`);
  /** The versions of a post, oldest first. */
  history = (id: string) => this.http.get<T.StatusEdit[]>(`/api/v1/statuses/${id}/history`);
  translate = (id: string, lang: string) =>
    this.http.post<T.Translation>(`/api/v1/statuses/${id}/translate`, { lang });
  post = (status: T.NewStatus, key: string) =>
    this.http.post<T.Status>('/api/v1/statuses', status, { 'Idempotency-Key': key });
  edit = (id: string, status: T.EditedStatus) => this.http.put<T.Status>(`/api/v1/statuses/${id}`, status);
  remove = (id: string) => this.http.delete<T.Status>(`/api/v1/statuses/${id}`);
  /** Does favourite, unfavourite, reblog, unreblog, bookmark, unbookmark, pin or unpin. */
  act = (id: string, verb: string) => this.http.post<T.Status>(`/api/v1/statuses/${id}/${verb}`);
  /** Takes one's own post out of another that quotes it. */
  revokeQuote = (id: string, quoting: string) =>
    this.http.post<T.Status>(`/api/v1/statuses/${id}/quotes/${quoting}/revoke`);
  /** Who answered a post with which emoji. */
  reactions = (id: string) => this.http.get<T.Reaction[]>(`/api/v1/pleroma/statuses/${id}/reactions`);
  react = (id: string, emoji: string, on: boolean) =>
    this.http[on ? 'put' : 'delete']<T.Status>(
      `/api/v1/pleroma/statuses/${id}/reactions/${encodeURIComponent(emoji)}`,
    );
  vote = (poll: string, choices: number[]) =>
    this.http.post<T.Poll>(`/api/v1/polls/${poll}/votes`, { choices });
  poll = (id: string) => this.http.get<T.Poll>(`/api/v1/polls/${id}`);

  // People
  lookup = (acct: string) => this.http.get<T.Account>('/api/v1/accounts/lookup', { acct });
  relationships = (ids: string[]) =>
    this.http.get<T.Relationship[]>('/api/v1/accounts/relationships', { id: ids });
  /** Does follow, unfollow, block, unblock, mute or unmute. */
  relate = (id: string, verb: string) => this.http.post<T.Relationship>(`/api/v1/accounts/${id}/${verb}`);
  answerRequest = (id: string, verb: 'authorize' | 'reject') =>
    this.http.post<T.Relationship>(`/api/v1/follow_requests/${id}/${verb}`);

  // Media
  describe = (id: string, description: string) =>
    this.http.put<T.MediaAttachment>(`/api/v1/media/${id}`, { description });

  /** Asks for an upload until it has been processed; `wait` is told how many times it was asked. */
  async processed(media: T.MediaAttachment, wait: (n: number) => Promise<void>): Promise<T.MediaAttachment> {
    for (let n = 1; !media.url; n++) {
      await wait(n);
      const answer = await this.http.request('GET', `/api/v1/media/${media.id}`);
      if (answer.status === 200) return (await answer.json()) as T.MediaAttachment;
    }
    return media;
  }

  /** Looks a post up by its address on the network; null if there is none that we may see. */
  async byAddress(url: string): Promise<T.Status | null> {
    const found = await this.search(url, { type: 'statuses', resolve: true, limit: 1 });
    return found.statuses[0] ?? null;
  }
}

/** Whether trying the same again could help. */
export const isPassing = (err: unknown) => err instanceof ApiError && (err.status === 0 || err.status >= 500);
