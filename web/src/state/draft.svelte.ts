import { upload } from '../api/upload';
import type {
  EditedStatus,
  MediaAttachment,
  NewStatus,
  QuotePolicy,
  Status,
  StatusSource,
} from '../api/types';
import { length } from '../logic/count';
import { quotePolicyOf } from '../logic/quotes';
import { audienceOf, narrower, type Audience } from '../logic/visibility';
import { notes, reason } from './notes.svelte';
import { api, session, store, stored } from './session.svelte';
import { t } from './text';

export interface PollDraft {
  options: string[];
  multiple: boolean;
  /** Seconds from posting until it closes. */
  runs: number;
}

/** A file on its way to the server, or there. */
export class Upload {
  progress = $state(0);
  state = $state<'sending' | 'processing' | 'done' | 'failed'>('sending');
  media = $state.raw<MediaAttachment>();
  description = $state('');
  failure = $state('');
  readonly key = Math.random().toString(36).slice(2);
  readonly preview: string;
  readonly kind: string;
  private readonly abort = new AbortController();

  constructor(
    readonly name: string,
    private readonly file?: File,
    media?: MediaAttachment,
  ) {
    this.kind = media?.type ?? (file?.type.split('/')[0] || 'unknown');
    this.preview = media?.preview_url ?? (file && this.kind === 'image' ? URL.createObjectURL(file) : '');
    if (media) {
      this.media = media;
      this.description = media.description ?? '';
      this.state = 'done';
    }
  }

  async start(): Promise<void> {
    if (!this.file || !session.token) return;
    this.state = 'sending';
    this.failure = '';
    try {
      const sent = await upload(
        '',
        session.token,
        this.file,
        (share) => this.advance(share),
        this.abort.signal,
      );
      this.state = 'processing';
      this.media = await api.processed(sent, (n) => pause(Math.min(n * 400, 3_000), this.abort.signal));
      this.state = 'done';
    } catch (err) {
      if (this.abort.signal.aborted) return;
      this.state = 'failed';
      this.failure = t('upload.failed', { name: this.name, reason: reason(err) });
    }
  }

  end(): void {
    this.abort.abort();
    if (this.preview.startsWith('blob:')) URL.revokeObjectURL(this.preview);
  }

  private advance(share: number): void {
    this.progress = share;
    if (share >= 1) this.state = 'processing';
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    setTimeout(resolve, ms);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

interface Saved {
  text: string;
  warning: string;
  warned: boolean;
  audience: Audience;
  poll: PollDraft | null;
}

export interface DraftOptions {
  replyTo?: Status;
  edit?: Status;
  /** The post that the new one is to quote. */
  quote?: Status;
  source?: StatusSource;
}

/** What is being written. It is kept on the device until it is sent; files are not. */
export class Draft {
  text = $state('');
  warning = $state('');
  warned = $state(false);
  sensitive = $state(false);
  audience = $state<Audience>('public');
  poll = $state<PollDraft | null>(null);
  uploads = $state.raw<Upload[]>([]);
  sending = $state(false);
  readonly replyTo?: Status;
  readonly edit?: Status;
  readonly quote?: Status;
  /** Who may quote it; undefined where the server knows no quotes. */
  policy = $state<QuotePolicy>();
  private key = newKey();

  constructor({ replyTo, edit, quote, source }: DraftOptions = {}) {
    this.replyTo = replyTo;
    this.edit = edit;
    this.quote = quote;
    this.policy = edit?.quote_approval ? quotePolicyOf(edit) : session.me?.source.quote_policy;
    const usual = session.me?.source.privacy ?? 'public';
    if (edit) this.beginEdit(edit, source);
    else if (replyTo) this.beginReply(replyTo, usual);
    // A post for few is not shown to more by quoting it.
    else this.audience = quote && audienceOf(quote) === 'private' ? narrower(usual, 'private') : usual;
    if (!edit) this.restore();
  }

  get limits() {
    const configuration = session.instance?.configuration;
    return {
      characters: configuration?.statuses.max_characters ?? 500,
      perUrl: configuration?.statuses.characters_reserved_per_url ?? 23,
      media: configuration?.statuses.max_media_attachments ?? 4,
      options: configuration?.polls.max_options ?? 4,
      option: configuration?.polls.max_characters_per_option ?? 50,
      description: configuration?.media_attachments.description_limit ?? 1500,
    };
  }

  get left(): number {
    return this.limits.characters - length(this.text, this.warned ? this.warning : '', this.limits.perUrl);
  }

  get empty(): boolean {
    return !this.text.trim() && !this.uploads.length && !this.poll;
  }

  get ready(): boolean {
    const uploaded = this.uploads.every((u) => u.state === 'done');
    const options = this.poll?.options.filter((o) => o.trim()).length ?? 2;
    const words = this.text.trim() || this.uploads.length;
    return !this.sending && !!words && this.left >= 0 && uploaded && options >= 2;
  }

  addFiles(files: Iterable<File>): void {
    for (const file of files) {
      if (this.uploads.length >= this.limits.media) {
        notes.say(t('upload.tooMany', { count: this.limits.media }), true);
        return;
      }
      const made = new Upload(file.name, file);
      this.uploads = [...this.uploads, made];
      void made.start();
    }
  }

  removeUpload(upload: Upload): void {
    upload.end();
    this.uploads = this.uploads.filter((u) => u !== upload);
  }

  togglePoll(): void {
    this.poll = this.poll ? null : { options: ['', ''], multiple: false, runs: 86_400 };
  }

  /** Sends it; the answer is the post as the server made it. Throws what the server refuses. */
  async send(): Promise<Status> {
    this.sending = true;
    try {
      const status = this.edit ? await this.sendEdit(this.edit) : await this.sendNew();
      this.clear();
      return status;
    } finally {
      this.sending = false;
    }
  }

  /** Writes down what would be a pity to lose. */
  save(): void {
    if (this.edit || this.sending) return;
    const { text, warning, warned, audience, poll } = this;
    const worth = text.trim() !== this.opening().trim() || warning || poll;
    store(this.storageKey, worth ? ({ text, warning, warned, audience, poll } satisfies Saved) : null);
  }

  /** Forgets everything that was written. */
  clear(): void {
    this.uploads.forEach((u) => u.end());
    this.uploads = [];
    this.text = this.opening();
    this.warning = '';
    this.warned = this.sensitive = false;
    this.poll = null;
    this.key = newKey();
    store(this.storageKey, null);
  }

  private async sendNew(): Promise<Status> {
    for (const { media, description } of this.uploads) {
      const text = description.trim();
      if (media && text !== (media.description ?? '')) await api.describe(media.id, text);
    }
    return api.post(
      {
        ...this.body(),
        visibility: this.audience,
        in_reply_to_id: this.replyTo?.id,
        quoted_status_id: this.quote?.id,
      },
      this.key, // The same until it is sent, so that a second try makes no second post.
    );
  }

  private sendEdit(edited: Status): Promise<Status> {
    const descriptions = this.uploads.map((u) => ({ id: u.media!.id, description: u.description.trim() }));
    const body: EditedStatus = this.body();
    return api.edit(edited.id, descriptions.length ? { ...body, media_attributes: descriptions } : body);
  }

  private body(): Omit<NewStatus, 'visibility' | 'in_reply_to_id' | 'quoted_status_id'> {
    const options = this.poll?.options.map((o) => o.trim()).filter(Boolean) ?? [];
    return {
      status: this.text.trim(),
      spoiler_text: this.warned ? this.warning.trim() : '',
      sensitive: this.uploads.length > 0 && (this.sensitive || (this.warned && !!this.warning.trim())),
      media_ids: this.uploads.map((u) => u.media!.id),
      language: this.edit?.language ?? session.me?.source.language ?? undefined,
      poll: this.poll ? { options, expires_in: this.poll.runs, multiple: this.poll.multiple } : undefined,
      quote_approval_policy: this.policyMatters ? this.policy : undefined,
    };
  }

  /** Posts for few can be quoted by nobody else, whatever is said. */
  get policyMatters(): boolean {
    return !!this.policy && !['private', 'direct'].includes(this.audience);
  }

  private beginReply(to: Status, usual: Audience): void {
    this.text = this.opening();
    this.warning = to.spoiler_text;
    this.warned = !!to.spoiler_text;
    this.audience = narrower(usual, audienceOf(to));
  }

  private beginEdit(edited: Status, source?: StatusSource): void {
    this.text = source?.text ?? '';
    this.warning = source?.spoiler_text ?? edited.spoiler_text;
    this.warned = !!this.warning;
    this.sensitive = edited.sensitive;
    this.audience = audienceOf(edited);
    this.uploads = edited.media_attachments.map((m) => new Upload('', undefined, m));
    if (edited.poll) {
      const left = (Date.parse(edited.poll.expires_at ?? '') - Date.now()) / 1000;
      this.poll = {
        options: edited.poll.options.map((o) => o.title),
        multiple: edited.poll.multiple,
        runs: left > 300 ? Math.round(left) : 86_400,
      };
    }
  }

  /** The people whom an answer addresses. */
  private opening(): string {
    if (!this.replyTo) return '';
    const { account, mentions } = this.replyTo;
    const people = [account.acct, ...mentions.map((m) => m.acct)].filter((acct) => acct !== session.me?.acct);
    return [...new Set(people)].map((acct) => `@${acct} `).join('');
  }

  private restore(): void {
    const saved = stored<Saved>(this.storageKey);
    if (saved) Object.assign(this, saved);
  }

  private get storageKey(): string {
    return `kenoma.draft.${this.replyTo?.id ?? (this.quote ? `quote.${this.quote.id}` : 'new')}`;
  }
}

/** A key of 128 random bits; crypto.randomUUID is kept for https. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join(
    '',
  );
}
