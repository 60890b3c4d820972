/** The dashboard begins: language first, so that nothing is shown in another one, then the page. */
import { mount } from 'svelte';
import App from './App.svelte';
import { language } from './text/language.svelte.ts';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no #app');
await language.start();
mount(App, { target });
