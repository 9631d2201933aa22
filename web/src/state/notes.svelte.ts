import { ApiError } from '../api/client';
import { t } from './text';

export interface Note {
  id: number;
  text: string;
  bad: boolean;
}

/** How long a message stays, in ms. */
const stay = 5_000;

/** Short messages at the edge of the page. */
class Notes {
  list = $state.raw<Note[]>([]);
  private last = 0;

  say(text: string, bad = false): void {
    const note = { id: ++this.last, text, bad };
    this.list = [...this.list.filter((n) => n.text !== text), note].slice(-3);
    setTimeout(() => this.drop(note.id), bad ? stay * 2 : stay);
  }

  fail(err: unknown): void {
    this.say(reason(err), true);
  }

  drop(id: number): void {
    this.list = this.list.filter((n) => n.id !== id);
  }
}

export const notes = new Notes();

/** Why something failed, for a person. The server's own words are the best we have. */
export function reason(err: unknown): string {
  if (!(err instanceof ApiError)) return t('error.unknown');
  if (err.status === 0) return t('error.network');
  if (err.status === 429) return t('error.limit');
  if (err.status >= 500) return t('error.server');
  return err.message || t('error.unknown');
}
