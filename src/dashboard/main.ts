/** The dashboard begins: devices are asked for at once, the language is loaded meanwhile, then there is a page. */
import { mount } from 'svelte';
import App from './App.svelte';
import { devices } from './devices/devices.svelte.ts';
import { language } from './text/language.svelte.ts';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no #app');
devices.begin();
await language.start();
mount(App, { target });
