/** An event as it comes over the socket; payload is text, of JSON for most events. */
export interface StreamEvent {
  stream: string[];
  event: string;
  payload?: string;
}

export interface StreamOptions {
  open: () => WebSocket;
  onEvent: (event: StreamEvent) => void;
  /** Told after each connection but the first: what happened meanwhile was missed. */
  onReturn: () => void;
  /** Chance, 0 to 1; a parameter for tests. */
  random?: () => number;
}

/** Shortest and longest pause before another try, in ms. */
const firstPause = 1_000;
const longestPause = 60_000;

/**
 * Stream keeps one connection for all live updates. Subscriptions are counted: two parts of the page may ask
 * for the same stream. A lost connection is made again after 1 s, doubling up to 1 min, each pause spread by
 * half so that the readers of a server that restarts do not all come at once.
 */
export class Stream {
  private socket?: WebSocket;
  private wanted = new Map<string, number>();
  private tries = 0;
  private opened = false;
  private timer?: ReturnType<typeof setTimeout>;
  private stopped = false;

  constructor(private readonly options: StreamOptions) {}

  /** Asks for a stream (`user`, `public:local`, …); the answer ends it. `tag` belongs to `hashtag`. */
  subscribe(stream: string, tag?: string): () => void {
    const key = JSON.stringify(tag ? { stream, tag } : { stream });
    const count = this.wanted.get(key) ?? 0;
    this.wanted.set(key, count + 1);
    if (count === 0) this.say('subscribe', key);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (this.wanted.get(key) ?? 1) - 1;
      if (left > 0) return void this.wanted.set(key, left);
      this.wanted.delete(key);
      this.say('unsubscribe', key);
    };
  }

  connect(): void {
    this.stopped = false;
    clearTimeout(this.timer);
    this.socket?.close();
    const socket = this.options.open();
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      for (const key of this.wanted.keys()) this.say('subscribe', key);
      if (this.opened) this.options.onReturn();
      this.opened = true;
    };
    socket.onmessage = (message) => this.hear(String(message.data));
    socket.onclose = () => {
      if (this.socket === socket) this.retry();
    };
  }

  close(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  /** Tries now instead of after the pause, as when the network is back. */
  hurry(): void {
    if (this.stopped || this.socket?.readyState === 1) return;
    this.tries = 0;
    this.connect();
  }

  private retry(): void {
    this.socket = undefined;
    if (this.stopped) return;
    const pause = Math.min(firstPause * 2 ** this.tries++, longestPause);
    const random = this.options.random ?? Math.random;
    this.timer = setTimeout(() => this.connect(), pause * (0.5 + random() * 0.5));
  }

  private say(type: 'subscribe' | 'unsubscribe', key: string): void {
    if (this.socket?.readyState !== 1) return; // Said again once it is open.
    this.socket.send(JSON.stringify({ type, ...JSON.parse(key) }));
  }

  private hear(text: string): void {
    let event: StreamEvent;
    try {
      event = JSON.parse(text);
    } catch {
      return; // A message of another kind, such as a sign of life.
    }
    if (event.event) this.options.onEvent(event);
  }
}
