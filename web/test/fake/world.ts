import type { Account, MediaAttachment, Notification, Poll, Status } from '../../src/api/types';

/** What the fake server knows: people, posts and what happened, all in memory. */

const minute = 60_000;
let lastId = 116_000_000_000_000_000n;
const nextId = () => String((lastId += 1_000n));

/** A file that the server gives out under /media/NAME. */
export interface File {
  type: string;
  body: string | Buffer;
}

export class World {
  accounts: Account[] = [];
  statuses: Status[] = [];
  media = new Map<string, MediaAttachment>();
  files = new Map<string, File>();
  notifications: Notification[] = [];
  following = new Set<string>();
  blocking = new Set<string>();
  muting = new Set<string>();
  markers: Record<string, { last_read_id: string }> = {};
  polls = new Map<string, Poll>();
  emojis = ['kenoma', 'spark', 'tea'].map((shortcode, i) => ({
    shortcode,
    url: `/media/emoji-${shortcode}.svg`,
    static_url: `/media/emoji-${shortcode}.svg`,
    visible_in_picker: true,
    category: null,
    hue: i * 110 + 20,
  }));

  readonly me: Account;

  constructor(
    private readonly base: string,
    private readonly now = Date.now(),
  ) {
    for (const { shortcode, hue } of this.emojis) this.files.set(`emoji-${shortcode}.svg`, emojiPicture(hue));
    this.me = this.person(
      'ann',
      'Ann Marlow :kenoma:',
      262,
      'Writes code and bakes bread. Mostly in that order.',
    );
    this.seed();
  }

  person(acct: string, name: string, hue: number, note = ''): Account {
    const [username, host] = acct.split('@');
    this.files.set(`avatar-${acct}.svg`, avatarPicture(name, hue));
    this.files.set(`header-${acct}.svg`, landscape(hue, 1500, 500));
    const account: Account = {
      id: nextId(),
      username,
      acct,
      display_name: name,
      url: host ? `https://${host}/@${username}` : `${this.base}/@${username}`,
      note: note && `<p>${note}</p>`,
      avatar: `/media/avatar-${acct}.svg`,
      avatar_static: `/media/avatar-${acct}.svg`,
      header: `/media/header-${acct}.svg`,
      header_static: `/media/header-${acct}.svg`,
      locked: false,
      bot: false,
      created_at: '2024-03-01T00:00:00.000Z',
      followers_count: 1284,
      following_count: 211,
      statuses_count: 512,
      emojis: this.emojis,
      fields: [
        {
          name: 'Garden',
          value: '<a href="https://garden.example">garden.example</a>',
          verified_at: '2025-01-01T00:00:00.000Z',
        },
        { name: 'Pronouns', value: 'they/them', verified_at: null },
      ],
    };
    this.accounts.push(account);
    return account;
  }

  post(account: Account, text: string, more: Partial<Status> = {}, age?: number): Status {
    const id = nextId();
    const status: Status = {
      id,
      uri: `${account.url}/${id}`,
      url: `${account.url}/${id}`,
      created_at: new Date(this.now - (age ?? 0) * minute).toISOString(),
      edited_at: null,
      account,
      content: html(text, this.base),
      visibility: 'public',
      sensitive: false,
      spoiler_text: '',
      language: 'en',
      media_attachments: [],
      mentions: [...text.matchAll(/@([\w.]+(?:@[\w.-]+\w)?)/g)].flatMap(([, acct]) => {
        const found = this.accounts.find((a) => a.acct === acct);
        return found ? [{ id: found.id, username: found.username, acct, url: found.url }] : [];
      }),
      tags: [...text.matchAll(/#(\w+)/g)].map(([, name]) => ({ name, url: `${this.base}/tags/${name}` })),
      emojis: this.emojis,
      reblogs_count: 0,
      favourites_count: 0,
      replies_count: 0,
      in_reply_to_id: null,
      in_reply_to_account_id: null,
      reblog: null,
      poll: null,
      card: null,
      application: { name: 'Kenoma' },
      favourited: false,
      reblogged: false,
      bookmarked: false,
      pleroma: { emoji_reactions: [] },
      quote: null,
      quote_approval: { automatic: ['public'], manual: [], current_user: 'automatic' },
      ...more,
    };
    this.statuses.push(status);
    const parent = this.status(status.in_reply_to_id ?? '');
    if (parent) {
      parent.replies_count++;
      status.in_reply_to_account_id = parent.account.id;
    }
    return status;
  }

  picture(
    name: string,
    hue: number,
    width: number,
    height: number,
    description: string | null,
  ): MediaAttachment {
    this.files.set(`${name}.svg`, landscape(hue, width, height));
    return this.attach(`/media/${name}.svg`, 'image', description, width, height);
  }

  attach(
    url: string | null,
    type: MediaAttachment['type'],
    description: string | null,
    width = 1600,
    height = 900,
  ): MediaAttachment {
    const made: MediaAttachment = {
      id: nextId(),
      type,
      url,
      preview_url: url,
      remote_url: null,
      description,
      blurhash: 'LKN]Rv%2Tw=w]~RBVZRi};RPxuwH',
      meta: { original: { width, height, aspect: width / height } },
    };
    this.media.set(made.id, made);
    return made;
  }

  poll(options: string[], votes: number[], multiple = false, minutes = 600): Poll {
    const sum = votes.reduce((a, b) => a + b, 0);
    const poll: Poll = {
      id: nextId(),
      expires_at: new Date(this.now + minutes * minute).toISOString(),
      expired: false,
      multiple,
      votes_count: sum,
      voters_count: sum,
      options: options.map((title, i) => ({ title, votes_count: votes[i] ?? 0 })),
      emojis: [],
      voted: false,
      own_votes: [],
    };
    this.polls.set(poll.id, poll);
    return poll;
  }

  notify(type: string, account: Account, status?: Status, age = 0): Notification {
    const created_at = new Date(this.now - age * minute).toISOString();
    const made = { id: nextId(), type, created_at, account, status };
    this.notifications.unshift(made);
    return made;
  }

  status = (id: string) => this.statuses.find((s) => s.id === id);
  account = (id: string) => this.accounts.find((a) => a.id === id);

  /** Newest first. */
  list(want: (s: Status) => boolean): Status[] {
    return this.statuses.filter(want).toReversed();
  }

  context(id: string): { ancestors: Status[]; descendants: Status[] } {
    const ancestors: Status[] = [];
    for (let s = this.status(id); s?.in_reply_to_id;) {
      s = this.status(s.in_reply_to_id);
      if (s) ancestors.unshift(s);
    }
    const descendants: Status[] = [];
    const below = (parent: string) => {
      for (const s of this.statuses.filter((x) => x.in_reply_to_id === parent)) {
        descendants.push(s);
        below(s.id);
      }
    };
    below(id);
    return { ancestors, descendants };
  }

  private seed(): void {
    const bo = this.person('bo', 'Bo Lindqvist', 150, 'Birds, bicycles, boats.');
    const cyn = this.person('cyn@garden.example', 'Cynthia 🌿', 20, 'A gardener on another server.');
    const dao = this.person('dao@long-server-name.example.org', 'Đào Thị Ngọc Ánh', 330);
    const eli = this.person('eli', 'eli', 200);
    this.following.add(bo.id).add(cyn.id);

    for (let n = 30; n > 0; n--) {
      const who = [bo, cyn, eli, dao][n % 4];
      this.post(
        who,
        fillers[n % fillers.length],
        { favourites_count: (n * 7) % 13, reblogs_count: (n * 3) % 5 },
        300 + n * 45,
      );
    }

    const root = this.post(
      cyn,
      'What is the first thing you plant in spring? I have a bed of 3 × 4 metres and no plan at all. #gardening',
      { favourites_count: 41, reblogs_count: 12 },
      240,
    );
    const peas = this.post(
      bo,
      '@cyn@garden.example Peas, always. They forgive everything, even me.',
      { in_reply_to_id: root.id, favourites_count: 9 },
      226,
    );
    this.post(
      cyn,
      '@bo Peas it is! Sugar snap or the shelling kind?',
      { in_reply_to_id: peas.id, favourites_count: 2 },
      220,
    );
    const sugar = this.post(
      bo,
      '@cyn@garden.example Sugar snap. Half of them never reach the kitchen.',
      { in_reply_to_id: peas.id, favourites_count: 5 },
      214,
    );
    this.post(eli, '@bo same here :spark:', { in_reply_to_id: sugar.id }, 190);
    const radishes = this.post(
      this.me,
      '@cyn@garden.example Radishes. Four weeks from seed to plate, and the children love to pull them.',
      { in_reply_to_id: root.id, favourites_count: 3 },
      180,
    );
    this.post(dao, '@cyn@garden.example Broad beans under fleece.', { in_reply_to_id: root.id }, 150);

    this.post(
      bo,
      'The harbour this morning, before anyone else was up.',
      {
        media_attachments: [
          this.picture(
            'harbour',
            205,
            1600,
            1000,
            'A still harbour at dawn; three masts and their reflections on blue-grey water.',
          ),
        ],
        favourites_count: 128,
        reblogs_count: 34,
      },
      95,
    );
    const quiz = this.post(
      eli,
      'Settle this for us: when does the weekend begin?',
      {
        poll: this.poll(
          ['Friday noon', 'Friday evening', 'Saturday morning', 'It never ends'],
          [31, 58, 12, 24],
        ),
      },
      71,
    );
    this.post(
      dao,
      'Ending of the new season, in full detail: the ship was the island all along, and everybody aboard knew it.',
      { spoiler_text: 'Spoilers for “The Long Tide”, season 3', favourites_count: 4 },
      60,
    );
    this.post(
      cyn,
      'Four from the greenhouse.',
      {
        media_attachments: [
          this.picture('green1', 110, 900, 1200, 'Tomato seedlings in rows of small pots.'),
          this.picture('green2', 90, 1200, 900, 'A watering can beside a row of lettuces.'),
          this.picture('green3', 60, 1200, 1200, null),
          this.picture('green4', 130, 1200, 800, 'The glass roof, seen from below, with drops of rain.'),
        ],
        favourites_count: 22,
      },
      48,
    );
    this.post(
      bo,
      'Not for the squeamish: the bicycle chain took its toll.',
      {
        media_attachments: [this.picture('graze', 8, 1200, 900, 'A grazed knee.')],
        sensitive: true,
      },
      33,
    );
    this.post(
      eli,
      'A good read on how small servers stay quick: https://blog.example/posts/2026/how-small-servers-stay-quick-under-load-and-other-stories',
      {
        card: {
          url: 'https://blog.example/small',
          title: 'How small servers stay quick',
          description:
            'Written on arrival, read once: what a timeline costs when it is a list and not a question.',
          type: 'link',
          provider_name: 'The Quiet Blog',
          image: null,
        },
      },
      21,
    );
    const mine = this.post(
      this.me,
      'Bread is out of the oven. The kitchen smells like the reason to stay at home today. :tea:',
      { favourites_count: 17, reblogs_count: 2 },
      15,
    );
    const boosted = this.post(
      dao,
      'Learning to say less, and to mean it. #writing',
      { favourites_count: 77, reblogs_count: 19 },
      12,
    );
    this.post(bo, '', { reblog: boosted, content: '' }, 9);
    this.post(
      dao,
      'This, a hundred times. There is no better way to begin.',
      { quote: { state: 'accepted', quoted_status: radishes } },
      7,
    );
    this.post(
      cyn,
      'Rain at last. I can hear the beds drinking.',
      {
        favourites_count: 6,
        pleroma: {
          emoji_reactions: [
            { name: '🌧️', count: 3, me: false, account_ids: [bo.id, dao.id] },
            { name: 'tea', url: this.emojis[2].url, count: 1, me: false, account_ids: [eli.id] },
          ],
        },
      },
      4,
    );
    this.post(
      eli,
      'Only for the people of this server: the book club meets at seven, at the usual place.',
      { local_only: true },
      2,
    );

    this.notify('follow', dao, undefined, 300);
    this.notify('follow_request', cyn, undefined, 200);
    this.notify('favourite', eli, mine, 14);
    this.notify('favourite', bo, mine, 13);
    this.notify('favourite', cyn, mine, 12);
    this.notify('reblog', bo, mine, 11);
    this.notify(
      'mention',
      bo,
      this.post(bo, '@ann Save me a slice? I will bring the good butter.', { in_reply_to_id: mine.id }, 8),
      8,
    );
    this.notify('poll', eli, quiz, 3);
    Object.assign(this.notify('pleroma:emoji_reaction', dao, mine, 2), { emoji: '🍞', emoji_url: null });
    Object.assign(this.notify('pleroma:emoji_reaction', eli, mine, 1), {
      emoji: 'tea',
      emoji_url: this.emojis[2].url,
    });
  }
}

const fillers = [
  'Swifts are back over the rooftops. Eleven of them at once, screaming with joy.',
  'Today I deleted more code than I wrote. A good day.',
  'Reminder: the library lends tools, instruments and, since this week, a telescope. #library',
  'If you read only one thing this week, read the manual of the thing that annoys you most. It is often shorter than the annoyance.',
  'Small win: the old radio works again. It was a single dry joint, and forty minutes of looking for it.',
  'Does anybody here keep bees on a balcony? I have questions, mostly about neighbours.',
  'Tea first. :tea:',
];

function html(text: string, base: string): string {
  if (!text) return '';
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const linked = safe
    .replace(/https?:\/\/\S+/g, (url) => `<a href="${url}" rel="nofollow">${url}</a>`)
    .replace(
      /#(\w+)/g,
      (_, tag) => `<a href="${base}/tags/${tag}" class="mention hashtag" rel="tag">#<span>${tag}</span></a>`,
    )
    .replace(/@([\w.]+)(@[\w.-]+\w)?/g, (_, name, host) => {
      const url = host ? `https://${host.slice(1)}/@${name}` : `${base}/@${name}`;
      return `<span class="h-card"><a href="${url}" class="u-url mention">@<span>${name}</span></a></span>`;
    });
  return `<p>${linked.replaceAll('\n\n', '</p><p>').replaceAll('\n', '<br>')}</p>`;
}

const svg = (body: string): File => ({ type: 'image/svg+xml', body });

function avatarPicture(name: string, hue: number): File {
  return svg(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80"><rect width="80" height="80" fill="hsl(${hue} 45% 62%)"/><circle cx="40" cy="32" r="15" fill="hsl(${hue} 50% 88%)"/><path d="M10 80c2-22 14-32 30-32s28 10 30 32" fill="hsl(${hue} 50% 34%)"/><title>${name}</title></svg>`,
  );
}

function emojiPicture(hue: number): File {
  return svg(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32"><circle cx="16" cy="16" r="14" fill="hsl(${hue} 80% 62%)"/><circle cx="11" cy="13" r="2.500"/><circle cx="21" cy="13" r="2.500"/><path d="M9 19c3 6 11 6 14 0" fill="none" stroke="#000" stroke-width="2"/></svg>`,
  );
}

function landscape(hue: number, width: number, height: number): File {
  return svg(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" preserveAspectRatio="xMidYMid slice"><defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="hsl(${hue} 60% 78%)"/><stop offset="1" stop-color="hsl(${hue + 40} 70% 88%)"/></linearGradient></defs><rect width="${width}" height="${height}" fill="url(#s)"/><circle cx="${width * 0.72}" cy="${height * 0.32}" r="${height * 0.09}" fill="#fff6d8"/><path d="M0 ${height * 0.62}Q${width * 0.25} ${height * 0.42} ${width * 0.5} ${height * 0.6}T${width} ${height * 0.5}V${height}H0z" fill="hsl(${hue} 38% 52%)"/><path d="M0 ${height * 0.78}Q${width * 0.3} ${height * 0.62} ${width * 0.6} ${height * 0.78}T${width} ${height * 0.72}V${height}H0z" fill="hsl(${hue} 42% 34%)"/></svg>`,
  );
}
