// Lists: selection and bulk deletion, the filter builder, several sort columns, order of columns.
import { $, $$, Refused, ask, data, say, send, toast } from './core.js';
import { combobox, lookup } from './combobox.js';

customElements.define('gx-list', class extends HTMLElement {
  connectedCallback() {
    this.bar = $('.bulk', this);
    if (!this.bar) return;
    this.all = $('[data-all]', this);
    this.boxes = $$('tbody .ck input', this);
    let last = null;
    this.boxes.forEach((box, i) => box.addEventListener('click', (event) => {
      if (event.shiftKey && last !== null) {
        const [from, to] = [Math.min(i, last), Math.max(i, last)];
        this.boxes.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
      }
      last = i;
      this.refresh();
    }));
    this.all.addEventListener('change', () => { this.boxes.forEach((box) => { box.checked = this.all.checked; }); this.refresh(); });
    $('[data-clear]', this).addEventListener('click', () => { this.boxes.forEach((box) => { box.checked = false; }); this.refresh(); });
    $('[data-delete]', this).addEventListener('click', () => this.remove());
    this.refresh();
  }

  get chosen() { return this.boxes.filter((box) => box.checked).map((box) => box.closest('tr')); }

  refresh() {
    const count = this.chosen.length;
    this.bar.hidden = count === 0;
    $('[data-count]', this.bar).textContent = say('%(n)s selected', { n: count });
    this.all.checked = count > 0 && count === this.boxes.length;
    this.all.indeterminate = count > 0 && count < this.boxes.length;
    this.boxes.forEach((box) => box.closest('tr').classList.toggle('sel', box.checked));
  }

  async remove() {
    const ids = this.chosen.map((row) => Number(row.dataset.id));
    if (!await ask(say('Delete these records? They go to the trash.'), say('%(n)s selected', { n: ids.length }), { yes: say('Delete') })) return;
    try {
      const { refused } = await send(this.dataset.bulk, { op: 'delete', ids });
      const reasons = Object.values(refused);
      if (!reasons.length) { location.reload(); return; }
      toast(say('%(n)s could not be changed: %(why)s', { n: reasons.length, why: reasons[0] }), { error: true });
      for (const row of this.chosen) if (!(row.dataset.id in refused)) row.remove();
      this.boxes = $$('tbody .ck input', this);
      this.refresh();
    } catch (failure) {
      if (failure instanceof Refused) toast(failure.message, { error: true });
    }
  }
});

const builder = $('form[data-filter]');
if (builder) {
  const fields = data('builder');
  const field = $('[data-field]', builder);
  const operator = $('[data-operator]', builder);
  const holder = $('[data-value]', builder);
  const option = (value, label) => Object.assign(document.createElement('option'), { value, textContent: label });
  const current = () => fields.find((entry) => entry.name === field.value);

  field.replaceChildren(...fields.map((entry) => option(entry.name, entry.label)));
  const control = (tag, more) => {
    const made = Object.assign(document.createElement(tag), more);
    made.setAttribute('aria-label', holder.dataset.label || field.selectedOptions[0].textContent);
    return made;
  };
  const kind = (entry) => ({ number: 'text', date: 'date', datetime: 'date', time: 'time' }[entry.family] || 'text');
  const drawValue = () => {
    const entry = current();
    const chosen = entry.operators.find((o) => o.name === operator.value);
    holder.replaceChildren();
    if (chosen.bare) return;
    if (entry.options) {
      const several = operator.value === 'in' || operator.value === 'not_in';
      if (!several) { const select = control('select', {}); select.append(...entry.options.map((o) => option(o.value, o.label))); holder.append(select); return; }
      const box = document.createElement('div');
      box.className = 'checks';
      box.append(...entry.options.map((o) => {
        const label = Object.assign(document.createElement('label'), { className: 'check' });
        label.append(Object.assign(document.createElement('input'), { type: 'checkbox', value: o.value }), o.label);
        return label;
      }));
      holder.append(box);
    } else if (entry.lookup) {
      const wrap = document.createElement('gx-pick');
      wrap.dataset.url = entry.lookup;
      holder.append(wrap);
    } else if (operator.value === 'between') {
      const row = Object.assign(document.createElement('div'), { className: 'row' });
      row.append(control('input', { type: kind(entry) }), '–', control('input', { type: kind(entry) }));
      holder.append(row);
    } else if (operator.value === 'past' || operator.value === 'next') {
      holder.append(control('input', { type: 'number', min: 0, max: 9999, value: 30 }));
    } else {
      holder.append(control('input', { type: kind(entry), autocomplete: 'off' }));
    }
  };
  const drawOperators = () => { operator.replaceChildren(...current().operators.map((o) => option(o.name, o.label))); drawValue(); };
  field.addEventListener('change', drawOperators);
  operator.addEventListener('change', drawValue);
  drawOperators();

  builder.addEventListener('submit', (event) => {
    event.preventDefault();
    const checks = $$('input[type=checkbox]', holder);
    const parts = checks.length
      ? [checks.filter((box) => box.checked).map((box) => box.value).join(',')]
      : $$('select, input:not([role=combobox])', holder).map((input) => input.value.trim());
    const value = operator.value === 'between' ? parts.join('..') : parts[0] ?? '';
    const bare = current().operators.find((o) => o.name === operator.value).bare;
    if (!bare && !value.replace('..', '')) { $('input, select', holder)?.focus(); return; }
    const query = new URLSearchParams(new FormData(builder));
    query.append(`f.${field.value}`, `${operator.value}:${value}`);
    location = `${builder.getAttribute('action')}?${query}`;
  });
}

customElements.define('gx-pick', class extends HTMLElement {
  connectedCallback() {
    this.style.position = 'relative';
    const shown = Object.assign(document.createElement('input'), { type: 'text', autocomplete: 'off' });
    const list = Object.assign(document.createElement('div'), { className: 'listbox', id: 'pick-list', hidden: true });
    const held = Object.assign(document.createElement('input'), { type: 'hidden' });
    for (const [name, value] of Object.entries({ role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': 'pick-list', 'aria-label': say('Search…') })) shown.setAttribute(name, value);
    list.setAttribute('role', 'listbox');
    this.append(shown, held, list);
    const close = combobox(shown, list, lookup(this.dataset.url), (entry) => { shown.value = entry.title; held.value = entry.id; close(); });
  }
});

$('form[data-sort]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const names = $$('[data-name]', form);
  const directions = $$('[data-direction]', form);
  const sort = names.map((name, i) => name.value && directions[i].value + name.value).filter(Boolean).join(',');
  const url = new URL(location);
  ['after', 'back', 'start', 'sort'].forEach((name) => url.searchParams.delete(name));
  if (sort) url.searchParams.set('sort', sort);
  location = url;
});

$('form[data-columns]')?.addEventListener('click', (event) => {
  const up = event.target.closest('[data-up]');
  if (!up) return;
  const item = up.closest('.pick');
  item.previousElementSibling?.before(item);
  up.focus();
});
