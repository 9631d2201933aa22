export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
/** The texts of one language, by key: one text, or one for each plural form of the language. */
export type Catalogue = Record<string, string | Forms>;

/** Every language with a file in `messages`, by that file's name, with what its readers call it. */
export const languages: { code: string; name: string; rtl?: boolean }[] = [
  { code: 'de', name: 'Deutsch' },
  { code: 'en', name: 'English' },
  { code: 'es', name: 'Español' },
  { code: 'fr', name: 'Français' },
  { code: 'pl', name: 'Polski' },
  { code: 'ja', name: '日本語' },
  { code: 'zh-CN', name: '简体中文' },
];

/** The language that fits best what a reader wants, a list of tags such as `de-AT`, the dearest first. */
export function bestLanguage(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const found = languages.find(({ code }) => fits(tag, code));
    if (found) return found.code;
  }
  return 'en';
}

/** The reader's own variety of a language, for dates and numbers: `en-GB` rather than `en`. */
export function variety(code: string, wanted: readonly string[]): string {
  return wanted.find((tag) => fits(tag, code)) ?? code;
}

/** Whoever writes Chinese in its traditional form is only offered the simplified one if they ask for any. */
function fits(tag: string, code: string): boolean {
  const { language, script } = parts(tag);
  const { language: other } = parts(code);
  return language === other && (language !== 'zh' || script === undefined || script === 'Hans');
}

function parts(tag: string): { language: string; script?: string } {
  try {
    const { language, script, region } = new Intl.Locale(tag);
    if (language !== 'zh' || script || !region) return { language, script };
    return { language, script: ['TW', 'HK', 'MO'].includes(region) ? 'Hant' : 'Hans' };
  } catch {
    return { language: '' };
  }
}

/**
 * Fills a text in: `{name}` from the parameters, and in texts with plural forms, of which `rules` chooses one
 * by `count`, the first `#` with that number.
 */
export function fill(
  message: string | Forms,
  params: Record<string, string | number>,
  rules: Intl.PluralRules,
  numbers: Intl.NumberFormat,
): string {
  const count = Number(params.count ?? 0);
  const form =
    typeof message === 'string'
      ? message
      : (message[rules.select(count)] ?? message.other).replace('#', () => numbers.format(count));
  return form.replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
}

/**
 * What is wrong with a translation of `source`, the English texts, into the language `code`: keys that are
 * missing or unknown, parameters that differ, plural forms that the language lacks or does not know.
 */
export function faults(code: string, source: Catalogue, target: Catalogue): string[] {
  const missing = Object.keys(source).filter((key) => !(key in target));
  const unknown = Object.keys(target).filter((key) => !(key in source));
  return [
    ...missing.map((key) => `${key}: missing`),
    ...unknown.map((key) => `${key}: unknown`),
    ...Object.keys(source).flatMap((key) =>
      key in target ? differences(code, source[key], target[key]).map((fault) => `${key}: ${fault}`) : [],
    ),
  ];
}

/** Forms that may leave the number out, since it is in their words. */
const named = ['zero', 'one', 'two'];

function differences(code: string, source: string | Forms, target: string | Forms): string[] {
  if (typeof source === 'string' || typeof target === 'string') {
    if (typeof source !== typeof target) return ['plural forms in one of the two only'];
    return sameParams(source as string, target as string) ? [] : ['other parameters'];
  }
  const needed = new Intl.PluralRules(code).resolvedOptions().pluralCategories;
  const given = Object.keys(target) as Intl.LDMLPluralRule[];
  return [
    ...needed.filter((form) => !target[form]?.trim()).map((form) => `form ${form} is missing`),
    ...given.filter((form) => !needed.includes(form)).map((form) => `form ${form} is unknown`),
    ...given
      .filter((form) => !sameParams(source.other, target[form]!))
      .map((form) => `other parameters in form ${form}`),
    ...given
      .filter((form) => source.other.includes('#') && !named.includes(form) && !target[form]!.includes('#'))
      .map((form) => `no number in form ${form}`),
  ];
}

function sameParams(a: string, b: string): boolean {
  const params = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort().join();
  return b.trim() !== '' && params(a) === params(b);
}
