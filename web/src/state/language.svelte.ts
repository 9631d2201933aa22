import { bestLanguage, fill, languages, variety, type Catalogue } from '../logic/language';
import english from '../messages/en.json';
import { store, stored } from './session.svelte';

export type Key = keyof typeof english;

const files = import.meta.glob<Catalogue>(['../messages/*.json', '!../messages/en.json'], {
  import: 'default',
});

/** The language of the page: the browser's, unless the reader has chosen another. */
class Language {
  /** A language's code, or '' for the browser's. */
  choice = $state(stored<string>('kenoma.language') ?? '');
  /** The language that is shown, with the reader's variety of it: for dates and numbers. */
  tag = $state('en');
  private code = $state('en');
  private texts = $state.raw<Catalogue>(english);
  private readonly plurals = $derived(new Intl.PluralRules(this.code));
  private readonly numbers = $derived(new Intl.NumberFormat(this.tag));

  /** Loads the texts of the language that is wanted; what cannot be loaded stays in the language before. */
  async apply(): Promise<void> {
    const wanted = navigator.languages;
    const code = languages.some((l) => l.code === this.choice) ? this.choice : bestLanguage(wanted);
    try {
      const load = files[`../messages/${code}.json`];
      const texts = load ? await load() : english;
      this.show(code, variety(code, wanted), texts);
    } catch {
      this.show(this.code, variety(this.code, wanted), this.texts);
    }
  }

  async choose(choice: string): Promise<void> {
    this.choice = choice;
    store('kenoma.language', choice || null);
    await this.apply();
  }

  /** A text with its parameters; in English if the language lacks it. */
  say(key: Key, params: Record<string, string | number>): string {
    return fill(this.texts[key] ?? english[key], params, this.plurals, this.numbers);
  }

  private show(code: string, tag: string, texts: Catalogue): void {
    this.code = code;
    this.tag = tag;
    this.texts = texts;
    document.documentElement.lang = code;
    document.documentElement.dir = languages.find((l) => l.code === code)?.rtl ? 'rtl' : 'ltr';
  }
}

export const language = new Language();
