import type { Component } from 'svelte';
import type { Place } from './logic/routes';

/** A page that is loaded when it is first wanted, and what it is told of its address. */
export interface LatePage {
  // Each page knows its own properties; this table is the only place that gives them.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  load: () => Promise<{ default: Component<any> }>;
  props?: (place: Place) => Record<string, unknown>;
}

const profile: LatePage = {
  load: () => import('./pages/ProfilePage.svelte'),
  props: ({ acct, page }) => ({ acct, tab: page }),
};
const people: LatePage = {
  load: () => import('./pages/PeoplePage.svelte'),
  props: ({ acct, page }) => ({ acct, kind: page }),
};
const echo: LatePage = {
  load: () => import('./pages/EchoPage.svelte'),
  props: ({ acct, id, page }) => ({ acct, id, kind: page }),
};
const list: LatePage = {
  load: () => import('./pages/ListPage.svelte'),
  props: ({ page, tag }) => ({ name: page, tag }),
};

/** Every page but the timelines, by its name in routes.json. */
export const pages: Record<string, LatePage> = {
  thread: { load: () => import('./pages/ThreadPage.svelte'), props: ({ id }) => ({ id }) },
  history: { load: () => import('./pages/HistoryPage.svelte'), props: ({ id }) => ({ id }) },
  favouritedBy: echo,
  boostedBy: echo,
  reactedBy: echo,
  quotedBy: echo,
  notifications: {
    load: () => import('./pages/NotificationsPage.svelte'),
    props: ({ query }) => ({ only: query.get('only') ?? '' }),
  },
  requests: { load: () => import('./pages/RequestsPage.svelte') },
  policy: { load: () => import('./pages/NotificationSettingsPage.svelte') },
  profile,
  replies: profile,
  media: profile,
  followers: people,
  following: people,
  bookmarks: list,
  favourites: list,
  tag: list,
  search: {
    load: () => import('./pages/SearchPage.svelte'),
    props: ({ query }) => ({ q: query.get('q') ?? '' }),
  },
  settings: { load: () => import('./pages/SettingsPage.svelte') },
  signUp: { load: () => import('./pages/SignUpPage.svelte') },
  callback: { load: () => import('./pages/CallbackPage.svelte') },
};
