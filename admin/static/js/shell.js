// Frame: command palette, side on phones, theme without reload, questions before forms, tabs, toasts that fade.
import { $, $$, ask, data, get } from './core.js';
import { combobox } from './combobox.js';

const palette = $('#palette');
if (palette) {
  const input = $('input', palette);
  const places = data('places');
  combobox(input, $('.listbox', palette), async (text) => {
    const wanted = text.toLowerCase();
    const fitting = places.filter((place) => place.title.toLowerCase().includes(wanted)).slice(0, text ? 4 : 8);
    return text ? [...await get(`/search/?q=${encodeURIComponent(text)}`), ...fitting] : fitting;
  }, (entry) => { location = entry.url; });
  const open = () => { input.value = ''; if (!palette.open) palette.showModal(); input.focus(); };
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k' && !event.isComposing) { event.preventDefault(); open(); }
  });
  $('[data-palette]').addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  palette.addEventListener('click', (event) => { if (event.target === palette) palette.close(); });
}

const side = $('#side');
const opener = $('[data-side]');
opener?.addEventListener('click', () => {
  const open = side.classList.toggle('open');
  opener.setAttribute('aria-expanded', String(open));
  if (open) $('a', side).focus();
});
document.addEventListener('click', (event) => { if (!event.target.closest('#side, [data-side]')) closeSide(); });
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && side?.classList.contains('open')) { closeSide(); opener.focus(); } });
function closeSide() { side?.classList.remove('open'); opener?.setAttribute('aria-expanded', 'false'); }

$('[data-theme-form]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  document.cookie = `gx_theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax${location.protocol === 'https:' ? ';secure' : ''}`;
});

document.addEventListener('submit', async (event) => {
  const form = event.target.closest('form');
  const question = event.submitter?.dataset.confirm || form?.dataset.confirm;
  if (!question || form.dataset.agreed) return;
  event.preventDefault();
  if (await ask(question)) { form.dataset.agreed = '1'; form.requestSubmit(event.submitter); }
});

customElements.define('gx-tabs', class extends HTMLElement {
  connectedCallback() {
    const tabs = $$('[role=tab]', this);
    const show = (tab, focus) => {
      for (const other of tabs) {
        const chosen = other === tab;
        other.setAttribute('aria-selected', String(chosen));
        other.tabIndex = chosen ? 0 : -1;
        $(`#${other.getAttribute('aria-controls')}`).hidden = !chosen;
      }
      if (focus) tab.focus();
      this.dispatchEvent(new CustomEvent('tab', { bubbles: true, detail: $(`#${tab.getAttribute('aria-controls')}`) }));
    };
    tabs.forEach((tab, i) => {
      tab.addEventListener('click', () => show(tab));
      tab.addEventListener('keydown', (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const next = event.key === 'Home' ? tabs[0] : event.key === 'End' ? tabs.at(-1) : step && tabs.at((i + step) % tabs.length);
        if (next) { event.preventDefault(); show(next, true); }
      });
    });
    const wanted = new URLSearchParams(location.search).get('tab');
    const start = wanted && tabs.find((tab) => tab.id === `t-${wanted}`);
    if (start) setTimeout(() => show(start));
  }
});

for (const line of $$('.toasts .toast')) setTimeout(() => line.remove(), line.classList.contains('error') ? 12000 : 6000);
