// One combobox for the palette, for lookups in forms and for lookups in filters.
import { $, $$, get, say } from './core.js';

/** `find(text)` answers entries `{title, note, …}`; `choose(entry)` takes one. Answers a function that closes the list. */
export function combobox(input, list, find, choose) {
  let entries = [];
  let at = -1;
  let asked = 0;
  let timer = 0;

  const mark = () => {
    $$('.mi', list).forEach((entry, i) => {
      entry.setAttribute('aria-selected', String(i === at));
      if (i === at) entry.scrollIntoView({ block: 'nearest' });
    });
    if (at >= 0) input.setAttribute('aria-activedescendant', `${list.id}-${at}`);
    else input.removeAttribute('aria-activedescendant');
  };
  const draw = () => {
    list.replaceChildren(...entries.map((entry, i) => {
      const option = document.createElement('div');
      option.className = 'mi';
      option.id = `${list.id}-${i}`;
      option.setAttribute('role', 'option');
      option.append(entry.title);
      if (entry.note || entry.group) {
        const note = document.createElement('small');
        note.textContent = [entry.note, entry.group].filter(Boolean).join(' · ');
        option.append(note);
      }
      option.addEventListener('mousedown', (event) => { event.preventDefault(); choose(entry); });
      return option;
    }));
    if (!entries.length && input.value.trim()) {
      const nothing = document.createElement('div');
      nothing.className = 'mi mut';
      nothing.setAttribute('role', 'option');
      nothing.setAttribute('aria-disabled', 'true');
      nothing.textContent = say('Nothing found');
      list.append(nothing);
    }
    list.hidden = !list.childElementCount;
    input.setAttribute('aria-expanded', String(!list.hidden));
    mark();
  };
  const load = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      asked += 1;
      const mine = asked;
      const found = await find(input.value.trim()).catch(() => []);
      if (mine !== asked) return;
      entries = found;
      at = found.length ? 0 : -1;
      draw();
    }, 120);
  };
  const close = () => {
    clearTimeout(timer);
    asked += 1;
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  input.addEventListener('input', load);
  input.addEventListener('focus', load);
  input.addEventListener('keydown', (event) => {
    if (event.isComposing) return; // the Enter that ends a pinyin composition chooses nothing
    if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && entries.length) {
      at = (at + (event.key === 'ArrowDown' ? 1 : -1) + entries.length) % entries.length;
      mark();
      event.preventDefault();
    } else if (event.key === 'Enter' && !list.hidden && entries[at]) {
      event.preventDefault();
      choose(entries[at]);
    } else if (event.key === 'Escape' && !list.hidden && list.matches('.listbox:not(.flat)')) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  return close;
}

export const lookup = (url) => (text) => get(`${url}?q=${encodeURIComponent(text)}`);

/** One reference: a text input to search with, a hidden one with the id. */
customElements.define('gx-lookup', class extends HTMLElement {
  connectedCallback() {
    const [shown, hidden] = $$('input', this);
    let title = shown.value;
    const set = (id, text) => {
      hidden.value = id;
      shown.value = title = text;
      hidden.dispatchEvent(new Event('change', { bubbles: true }));
    };
    const close = combobox(shown, $('.listbox', this), lookup(this.dataset.url), (entry) => { set(entry.id, entry.title); close(); });
    shown.addEventListener('blur', () => {
      close();
      if (!shown.value.trim()) { if (hidden.value) set('', ''); } else shown.value = title;
    });
  }
});

/** Several references as tokens. */
customElements.define('gx-lookups', class extends HTMLElement {
  connectedCallback() {
    const input = $('input[role=combobox]', this);
    const tokens = $('.tokens', this);
    const changed = () => this.dispatchEvent(new Event('change', { bubbles: true }));
    const close = combobox(input, $('.listbox', this), lookup(this.dataset.url), (entry) => {
      if (!$$('input', tokens).some((held) => held.value === String(entry.id))) tokens.append(this.token(entry));
      input.value = '';
      close();
      changed();
    });
    input.addEventListener('blur', () => { close(); input.value = ''; });
    tokens.addEventListener('click', (event) => {
      if (event.target.closest('button')) { event.target.closest('.token').remove(); input.focus(); changed(); }
    });
  }

  token(entry) {
    const item = document.createElement('li');
    item.className = 'token';
    const held = Object.assign(document.createElement('input'), { type: 'hidden', name: this.dataset.name, value: entry.id });
    const remove = Object.assign(document.createElement('button'), { type: 'button', textContent: '×' });
    remove.setAttribute('aria-label', `${say('Remove')} ${entry.title}`);
    item.append(entry.title, held, remove);
    return item;
  }
});
