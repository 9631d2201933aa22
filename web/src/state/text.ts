import en from '../messages/en.json';

export type Key = keyof typeof en;
type Forms = { one?: string; other: string };

const locale = 'en';
const messages: Record<Key, string | Forms> = en;
const plurals = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale);

/**
 * Says a message in the reader's language. `{name}` is filled in from the parameters; a message with plural
 * forms is chosen by `count`, which also stands for `#`.
 */
export function t(key: Key, params: Record<string, string | number> = {}): string {
  const message = messages[key];
  const count = Number(params.count ?? 0);
  const form =
    typeof message === 'string'
      ? message
      : (message[plurals.select(count) as 'one' | 'other'] ?? message.other);
  return form
    .replace('#', (sign) => (typeof message === 'string' ? sign : numbers.format(count)))
    .replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
}
