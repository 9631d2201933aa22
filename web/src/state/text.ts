import { language, type Key } from './language.svelte';

export type { Key };

/**
 * Says a message in the reader's language. `{name}` is filled in from the parameters; a message with plural
 * forms is chosen by `count`, which also stands for `#`.
 */
export function t(key: Key, params: Record<string, string | number> = {}): string {
  return language.say(key, params);
}
