// Record page: moving along the stage path, tabs that load when opened, "show more" in lists and history.
import { $, $$, Refused, fragment, say, send } from './core.js';

async function load(panel, url) {
  const wait = Object.assign(document.createElement('div'), { className: 'loading' });
  wait.setAttribute('aria-label', say('Loading'));
  wait.setAttribute('role', 'status');
  panel.replaceChildren(wait);
  try {
    panel.replaceChildren(await fragment(url));
  } catch {
    panel.replaceChildren(Object.assign(document.createElement('p'), { className: 'panel empty', textContent: say('The server cannot be reached. Nothing was saved.') }));
    panel.dataset.load = url;
  }
}

customElements.define('gx-load', class extends HTMLElement {
  connectedCallback() { load(this, this.dataset.load); }
});

document.addEventListener('tab', (event) => {
  const panel = event.detail;
  if (!panel.dataset.load) return;
  const url = panel.dataset.load;
  delete panel.dataset.load;
  load(panel, url);
});

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-next]');
  if (!button) return;
  button.disabled = true;
  const more = await fragment(button.dataset.next).catch(() => null);
  if (!more) { button.disabled = false; return; }
  const holder = button.closest('section');
  const target = $('tbody, .history', holder);
  target.append(...$('tbody, .history', more)?.children ?? []);
  const next = $('[data-next]', more);
  if (next) button.replaceWith(next);
  else button.remove();
});

customElements.define('gx-record', class extends HTMLElement {
  connectedCallback() {
    const path = $('.path', this);
    const refusal = $('[data-refusal]', this);
    path?.addEventListener('click', async (event) => {
      const button = event.target.closest('[data-stage]');
      if (!button) return;
      $$('button', path).forEach((other) => { other.disabled = true; });
      refusal.hidden = true;
      try {
        const answer = await send(`${this.dataset.base}move/`, { field: path.dataset.field, to: button.dataset.stage, version: Number(this.dataset.version) });
        if (answer.approval) location = `/approvals/${answer.approval}/`;
        else location.reload();
      } catch (failure) {
        $$('button', path).forEach((other) => { other.disabled = false; });
        if (!(failure instanceof Refused)) return;
        refusal.textContent = failure.message;
        refusal.hidden = false;
      }
    });
  }
});

customElements.define('gx-reveal', class extends HTMLElement {
  connectedCallback() {
    $('button', this).addEventListener('click', async () => {
      const refusal = $('.refusal', this);
      refusal.hidden = true;
      try {
        const found = await send(this.dataset.url, { field: this.dataset.field, reason: $('input', this).value });
        $('output', this).textContent = found.value;
      } catch (failure) {
        if (!(failure instanceof Refused)) return;
        refusal.textContent = failure.message;
        refusal.hidden = false;
      }
    });
  }
});
