// Board: cards move by mouse, by finger (press a moment first) and by Alt with the arrows; a refused card goes back.
import { $, $$, Refused, fragment, say, send, toast } from './core.js';

const HOLD = 280;
const SLIP = 6;

customElements.define('gx-board', class extends HTMLElement {
  connectedCallback() {
    this.addEventListener('click', (event) => this.more(event));
    if (!this.hasAttribute('data-movable')) return;
    this.addEventListener('pointerdown', (event) => this.press(event));
    this.addEventListener('keydown', (event) => this.key(event));
    this.addEventListener('touchmove', (event) => { if (this.flight) event.preventDefault(); }, { passive: false });
  }

  get lanes() { return $$('.lane', this); }

  may(from, to) { return from !== to && (from.dataset.to === '*' || from.dataset.to.split(' ').includes(to.dataset.value)); }

  key(event) {
    const card = event.target.closest('.card');
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!card || !event.altKey || !step || event.isComposing) return;
    event.preventDefault();
    const from = card.closest('.lane');
    const to = this.lanes[this.lanes.indexOf(from) + step];
    if (to) this.move(card, from, to);
  }

  press(event) {
    const card = event.target.closest('.card');
    if (!card || event.button !== 0 || event.target.closest('button')) return;
    const touch = event.pointerType !== 'mouse';
    const start = { x: event.clientX, y: event.clientY };
    const stop = new AbortController();
    const begin = (at) => {
      this.flight = this.lift(card, at, start);
      document.addEventListener('click', (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true, signal: this.flight.clicks.signal });
    };
    const timer = touch ? setTimeout(() => begin(start), HOLD) : 0;
    const on = { signal: stop.signal };
    addEventListener('pointermove', (move) => {
      const far = Math.hypot(move.clientX - start.x, move.clientY - start.y) > SLIP;
      if (!this.flight && far) { if (touch) { clearTimeout(timer); stop.abort(); return; } begin({ x: move.clientX, y: move.clientY }); }
      if (this.flight) this.carry(move);
    }, on);
    const end = (up) => {
      clearTimeout(timer);
      stop.abort();
      if (this.flight) this.drop(up.type === 'pointerup');
    };
    addEventListener('pointerup', end, on);
    addEventListener('pointercancel', end, on);
    addEventListener('keydown', (key) => { if (key.key === 'Escape' && this.flight) { stop.abort(); this.drop(false); } }, on);
    if (!touch) event.preventDefault();
    card.focus({ preventScroll: true });
  }

  lift(card, at, start) {
    const box = card.getBoundingClientRect();
    const copy = card.cloneNode(true);
    copy.classList.add('flying');
    copy.style.width = `${box.width}px`;
    document.body.append(copy);
    card.classList.add('ghost');
    const from = card.closest('.lane');
    for (const lane of this.lanes) lane.classList.toggle('closed', lane !== from && !this.may(from, lane));
    const flight = { card, copy, from, to: null, dx: start.x - box.left, dy: start.y - box.top, clicks: new AbortController() };
    copy.style.left = `${at.x - flight.dx}px`;
    copy.style.top = `${at.y - flight.dy}px`;
    return flight;
  }

  carry(event) {
    const flight = this.flight;
    flight.copy.style.left = `${event.clientX - flight.dx}px`;
    flight.copy.style.top = `${event.clientY - flight.dy}px`;
    const lane = document.elementFromPoint(event.clientX, event.clientY)?.closest('.lane');
    flight.to = lane && this.may(flight.from, lane) ? lane : null;
    for (const other of this.lanes) other.classList.toggle('target', other === flight.to);
    const edge = this.getBoundingClientRect();
    if (event.clientX > edge.right - 48) this.scrollLeft += 14;
    else if (event.clientX < edge.left + 48) this.scrollLeft -= 14;
  }

  drop(done) {
    const { card, copy, from, to, clicks } = this.flight;
    this.flight = null;
    copy.remove();
    card.classList.remove('ghost');
    for (const lane of this.lanes) lane.classList.remove('target', 'closed');
    setTimeout(() => clicks.abort());
    if (done && to) this.move(card, from, to);
  }

  async move(card, from, to, quiet = false) {
    if (card.dataset.busy) return;
    const before = card.nextElementSibling;
    const focused = card.contains(document.activeElement);
    this.place(card, from, to);
    if (focused) card.focus();
    card.dataset.busy = '1';
    try {
      const body = { field: this.dataset.field, to: to.dataset.value, version: Number(card.dataset.version) };
      const answer = await send(`${this.dataset.base}${card.dataset.id}/move/`, body);
      card.dataset.version = answer.version ?? card.dataset.version;
      if (answer.approval) {
        this.place(card, to, from, before);
        toast(answer.message);
        return;
      }
      const undo = quiet || !this.may(to, from) ? undefined : () => this.move(card, to, from, true);
      toast(say('Moved to %(stage)s', { stage: to.dataset.label }), { undo });
    } catch (failure) {
      this.place(card, to, from, before);
      if (focused) card.focus();
      if (failure instanceof Refused) toast(failure.message, { error: true });
    } finally {
      delete card.dataset.busy;
    }
  }

  place(card, from, to, before = $('.cards', to).firstElementChild) {
    $('.cards', to).insertBefore(card, before);
    const amount = Number(card.dataset.amount) || 0;
    for (const [lane, sign] of [[from, -1], [to, 1]]) {
      const count = $('[data-count]', lane);
      count.textContent = Math.max(0, Number(count.textContent) + sign);
      lane.dataset.sum = (Number(lane.dataset.sum) || 0) + sign * amount;
      const total = $('[data-total]', lane);
      if (total) total.textContent = this.short(Number(lane.dataset.sum));
    }
  }

  short(value) {
    const money = this.dataset.currency ? { style: 'currency', currency: this.dataset.currency, currencyDisplay: 'narrowSymbol' } : {};
    return new Intl.NumberFormat(document.documentElement.lang, { notation: 'compact', maximumFractionDigits: 2, minimumFractionDigits: 0, ...money }).format(value);
  }

  async more(event) {
    const button = event.target.closest('[data-more]');
    if (!button) return;
    button.disabled = true;
    const query = new URLSearchParams(location.search);
    query.set('lane', button.closest('.lane').dataset.value);
    query.set('cursor', button.dataset.more);
    const cards = await fragment(`${this.dataset.base}lane/?${query}`).catch(() => null);
    if (cards) button.closest('.more').replaceWith(cards);
    else button.disabled = false;
  }
});
