import { store, stored } from './session.svelte';

export type Choice = 'auto' | 'light' | 'dark';

/** Light or dark, as the system says unless the reader says otherwise. */
class Theme {
  choice = $state<Choice>(stored<Choice>('kenoma.theme') ?? 'auto');

  apply(): void {
    if (this.choice === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }

  choose(choice: Choice): void {
    this.choice = choice;
    store('kenoma.theme', choice === 'auto' ? null : choice);
    this.apply();
  }
}

export const theme = new Theme();
