/** What the Mastodon API answers, as far as this page reads it. */

export type Visibility = 'public' | 'unlisted' | 'private' | 'direct';

export interface CustomEmoji {
  shortcode: string;
  url: string;
  static_url: string;
  visible_in_picker: boolean;
  category?: string | null;
}

export interface Field {
  name: string;
  value: string;
  verified_at: string | null;
}

export interface Account {
  id: string;
  username: string;
  acct: string;
  display_name: string;
  url: string;
  note: string;
  avatar: string;
  avatar_static: string;
  header: string;
  header_static: string;
  locked: boolean;
  bot: boolean;
  created_at: string;
  followers_count: number;
  following_count: number;
  statuses_count: number;
  emojis: CustomEmoji[];
  fields: Field[];
  moved?: Account | null;
  suspended?: boolean;
}

export interface CredentialAccount extends Account {
  source: {
    privacy: Visibility;
    sensitive: boolean;
    language: string | null;
    note: string;
    follow_requests_count: number;
    /** Missing on servers without quotes. */
    quote_policy?: QuotePolicy;
  };
  role?: { name: string; permissions: string };
}

export interface Relationship {
  id: string;
  following: boolean;
  followed_by: boolean;
  requested: boolean;
  requested_by?: boolean;
  showing_reblogs: boolean;
  blocking: boolean;
  blocked_by: boolean;
  muting: boolean;
  domain_blocking: boolean;
  note: string;
}

export interface MediaAttachment {
  id: string;
  type: 'image' | 'gifv' | 'video' | 'audio' | 'unknown';
  url: string | null;
  preview_url: string | null;
  remote_url: string | null;
  description: string | null;
  blurhash: string | null;
  meta: {
    original?: { width?: number; height?: number; aspect?: number; duration?: number };
    small?: { width?: number; height?: number; aspect?: number };
    focus?: { x: number; y: number };
  } | null;
}

export interface Poll {
  id: string;
  expires_at: string | null;
  expired: boolean;
  multiple: boolean;
  votes_count: number;
  voters_count: number | null;
  options: { title: string; votes_count: number | null }[];
  emojis: CustomEmoji[];
  voted?: boolean;
  own_votes?: number[];
}

export interface PreviewCard {
  url: string;
  title: string;
  description: string;
  type: string;
  provider_name: string;
  image: string | null;
}

export interface Mention {
  id: string;
  username: string;
  acct: string;
  url: string;
}

export interface Status {
  id: string;
  uri: string;
  url: string | null;
  created_at: string;
  edited_at: string | null;
  account: Account;
  content: string;
  visibility: Visibility;
  /** Ours: this post never leaves the server. */
  local_only?: boolean;
  /** Pleroma's additions, on servers that have them. */
  pleroma?: { local?: boolean; emoji_reactions?: Reaction[] };
  sensitive: boolean;
  spoiler_text: string;
  language: string | null;
  media_attachments: MediaAttachment[];
  mentions: Mention[];
  tags: { name: string; url: string }[];
  emojis: CustomEmoji[];
  reblogs_count: number;
  favourites_count: number;
  quotes_count?: number;
  replies_count: number;
  in_reply_to_id: string | null;
  in_reply_to_account_id: string | null;
  reblog: Status | null;
  poll: Poll | null;
  /** Missing on servers without quotes, as is what follows. */
  quote?: Quote | null;
  quote_approval?: {
    automatic: string[];
    manual: string[];
    current_user: 'automatic' | 'manual' | 'denied' | 'unknown';
  };
  card: PreviewCard | null;
  application?: { name: string; website?: string | null } | null;
  favourited?: boolean;
  reblogged?: boolean;
  bookmarked?: boolean;
  muted?: boolean;
  pinned?: boolean;
  filtered?: { filter: { title: string; filter_action: 'warn' | 'hide' | 'blur' } }[];
}

/** What a post quotes, and whether that may be shown. */
export interface Quote {
  state: string;
  quoted_status?: Status | null;
  /** Within a quoted post its own quote is only named. */
  quoted_status_id?: string | null;
}

export const quotePolicies = ['public', 'followers', 'nobody'] as const;
export type QuotePolicy = (typeof quotePolicies)[number];

/** How often somebody answered a post with one emoji. */
export interface Reaction {
  /** The emoji itself; of a custom one its name, with `@host` if it is another server's. */
  name: string;
  count: number;
  me: boolean;
  /** The picture of a custom emoji. */
  url?: string | null;
  /** Some of who did. */
  account_ids?: string[];
  /** The same people, where they are asked for. */
  accounts?: Account[];
}

export interface StatusSource {
  id: string;
  text: string;
  spoiler_text: string;
}

/** A post as it was at one time. */
export interface StatusEdit {
  created_at: string;
  content: string;
  spoiler_text: string;
  sensitive: boolean;
  media_attachments: MediaAttachment[];
  emojis: CustomEmoji[];
  poll?: { options: { title: string }[] } | null;
}

export interface Translation {
  content: string;
  spoiler_text: string;
  detected_source_language: string;
  provider: string;
}

export interface Context {
  ancestors: Status[];
  descendants: Status[];
}

export interface Notification {
  id: string;
  type: string;
  created_at: string;
  account: Account;
  status?: Status;
  /** Of a reaction: the emoji, and the picture of a custom one. */
  emoji?: string;
  emoji_url?: string | null;
  /** Which notifications belong together; sent from API version 2 on. */
  group_key?: string;
  report?: { id: string; target_account: Account };
  event?: { type: string; target_name: string };
  moderation_warning?: { id: string; action: string; text: string };
}

export interface NotificationGroup {
  group_key: string;
  notifications_count: number;
  type: string;
  most_recent_notification_id: string | number;
  latest_page_notification_at?: string;
  sample_account_ids: string[];
  status_id?: string | null;
  emoji?: string;
  emoji_url?: string | null;
  report?: Notification['report'];
  event?: Notification['event'];
  moderation_warning?: Notification['moderation_warning'];
}

export interface GroupedNotifications {
  accounts: Account[];
  statuses: Status[];
  notification_groups: NotificationGroup[];
}

/** What becomes of a notification by somebody of a kind: shown, withheld until asked for, never made. */
export type Treatment = 'accept' | 'filter' | 'drop';
export const policyKinds = [
  'for_not_following',
  'for_not_followers',
  'for_new_accounts',
  'for_private_mentions',
  'for_limited_accounts',
] as const;
export type PolicyKind = (typeof policyKinds)[number];
export type NotificationPolicy = Record<PolicyKind, Treatment> & {
  summary: { pending_requests_count: number; pending_notifications_count: number };
};

/** Somebody whose notifications are withheld. */
export interface NotificationRequest {
  id: string;
  created_at: string;
  updated_at: string;
  account: Account;
  notifications_count: string;
  last_status?: Status | null;
}

export interface Search {
  accounts: Account[];
  statuses: Status[];
  hashtags: { name: string; url: string; history?: { uses: string }[] }[];
}

export interface Instance {
  domain: string;
  title: string;
  version: string;
  description: string;
  thumbnail?: { url: string } | null;
  languages: string[];
  /** Missing on servers before 4.3. */
  api_versions?: { mastodon?: number };
  pleroma?: { metadata?: { features?: string[] } };
  configuration: {
    urls: { streaming?: string };
    statuses: {
      max_characters: number;
      max_media_attachments: number;
      characters_reserved_per_url: number;
    };
    media_attachments: { supported_mime_types: string[]; description_limit?: number };
    translation?: { enabled: boolean };
    polls: {
      max_options: number;
      max_characters_per_option: number;
      min_expiration: number;
      max_expiration: number;
    };
  };
  registrations: {
    enabled: boolean;
    approval_required: boolean;
    message: string | null;
    reason_required?: boolean;
  };
  contact?: { email: string; account: Account | null };
  rules: { id: string; text: string; hint?: string }[];
}

export interface Token {
  access_token: string;
  token_type: string;
  scope: string;
  created_at: number;
}

export interface Application {
  client_id: string;
  client_secret: string;
}

export interface Markers {
  home?: { last_read_id: string };
  notifications?: { last_read_id: string };
}

/** What the composer sends; visibility also takes our 'local'. */
export interface NewStatus {
  status: string;
  spoiler_text?: string;
  sensitive?: boolean;
  visibility?: Visibility | 'local';
  in_reply_to_id?: string;
  media_ids?: string[];
  language?: string;
  poll?: { options: string[]; expires_in: number; multiple: boolean };
  quoted_status_id?: string;
  quote_approval_policy?: QuotePolicy;
}

export interface EditedStatus extends Omit<NewStatus, 'visibility' | 'in_reply_to_id' | 'quoted_status_id'> {
  media_attributes?: { id: string; description: string }[];
}
