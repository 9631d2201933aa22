import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { clock } from './state/clock.svelte';
import { begin } from './state/life';
import { language } from './state/language.svelte';
import { catchUp, networkIsBack } from './state/live';
import { router } from './state/router.svelte';
import { theme } from './state/theme.svelte';

theme.apply();
router.start();
clock.start();
void begin();

addEventListener('online', networkIsBack);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  clock.now = Date.now();
  networkIsBack();
  catchUp();
});

// Nobody sees the page in one language and then in another.
await language.apply();
mount(App, { target: document.getElementById('app')! });
