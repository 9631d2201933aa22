import { SvelteSet } from 'svelte/reactivity';
import type { MediaAttachment, Status } from '../api/types';

/** What is open on the page. */
class Ui {
  /** Posts under which a reply is being written. */
  replying = new SvelteSet<string>();
  /** Posts under which the conversation is open, by the entry's id. */
  threads = new SvelteSet<string>();
  /** Posts whose warning was opened. */
  revealed = new SvelteSet<string>();
  /** The composer as a window: for a new post, to quote one or to change one. */
  composer = $state.raw<{ edit?: Status; quote?: Status } | null>(null);
  viewer = $state.raw<{ media: MediaAttachment[]; at: number } | null>(null);
  question = $state.raw<Question | null>(null);
  help = $state(false);

  toggle(set: SvelteSet<string>, id: string): void {
    if (!set.delete(id)) set.add(id);
  }

  /** Asks before something that cannot be undone. */
  ask(question: Question): void {
    this.question = question;
  }

  forget(): void {
    this.replying.clear();
    this.threads.clear();
    this.revealed.clear();
    this.composer = this.viewer = this.question = null;
    this.help = false;
  }
}

export interface Question {
  title: string;
  text: string;
  yes: string;
  then: () => void;
}

export const ui = new Ui();
