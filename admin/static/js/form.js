// Forms: live judgement by the server, shown and hidden fields, the way to the first fault, no lost input.
import { $, $$, ask, say, send } from './core.js';

customElements.define('gx-form', class extends HTMLElement {
  connectedCallback() {
    this.form = $('form', this);
    this.touched = new Set($$('.fld.bad', this).map((holder) => holder.dataset.field));
    this.asked = 0;
    this.start = this.state();
    this.form.addEventListener('change', (event) => this.changed(event));
    this.form.addEventListener('input', () => this.mark());
    this.form.addEventListener('focusout', (event) => this.left(event));
    this.form.addEventListener('submit', () => { this.saving = true; $('[data-save]', this).setAttribute('aria-busy', 'true'); });
    this.form.addEventListener('keydown', (event) => {
      if ((event.ctrlKey || event.metaKey) && (event.key === 'Enter' || event.key.toLowerCase() === 's') && !event.isComposing) {
        event.preventDefault();
        this.form.requestSubmit($('[data-save]', this));
      }
    });
    addEventListener('beforeunload', (event) => { if (this.dirty && !this.saving) event.preventDefault(); });
    $('[data-cancel]', this).addEventListener('click', async (event) => {
      if (!this.dirty) return;
      event.preventDefault();
      if (await ask(say('Leave the page? What you entered is not saved.'), '', { yes: say('Leave'), no: say('Stay') })) {
        this.saving = true;
        location = event.target.closest('a').href;
      }
    });
    const summary = $('[data-summary]:not([hidden])', this);
    if (summary) summary.focus();
    else $('input:not([type=hidden], [type=checkbox]), select, textarea', this.form)?.focus({ preventScroll: true });
    $$('[data-summary] a[href^="#f-"]', this).forEach((link) => link.addEventListener('click', (event) => {
      event.preventDefault();
      document.getElementById(link.hash.slice(1))?.focus();
    }));
  }

  state() { return new URLSearchParams(new FormData(this.form)).toString(); }

  get dirty() { return this.state() !== this.start; }

  mark() { $('[data-dirty]', this).hidden = !this.dirty; }

  changed(event) {
    const holder = event.target.closest('[data-field]');
    if (holder) this.touched.add(holder.dataset.field);
    this.mark();
    this.judge();
  }

  left(event) {
    const holder = event.target.closest('[data-field]');
    if (!holder || holder.contains(event.relatedTarget) || this.touched.has(holder.dataset.field) || !this.dirty) return;
    this.touched.add(holder.dataset.field);
    this.judge();
  }

  async judge() {
    this.asked += 1;
    const mine = this.asked;
    const answer = await send(this.dataset.validate, new FormData(this.form)).catch(() => null);
    if (!answer || mine !== this.asked) return;
    for (const holder of $$('[data-field]', this.form)) this.lay(holder, answer);
    for (const section of $$('[data-section]', this.form)) section.hidden = answer.hidden_sections.includes(section.dataset.section);
  }

  lay(holder, { errors, hidden, required, read_only: fixed }) {
    const name = holder.dataset.field;
    holder.hidden = hidden.includes(name);
    const star = $('.req', holder);
    if (star) star.hidden = !required.includes(name);
    for (const input of $$('[aria-describedby]', holder)) {
      input.toggleAttribute('readonly', fixed.includes(name));
      input.toggleAttribute('aria-required', required.includes(name));
      if (required.includes(name)) input.setAttribute('aria-required', 'true');
    }
    if (!this.touched.has(name)) return;
    const messages = errors[name] || [];
    holder.classList.toggle('bad', messages.length > 0);
    $('.err', holder).textContent = messages.join(' ');
    for (const input of $$('[aria-describedby]', holder)) {
      if (messages.length) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    }
  }
});
