// Popover menus stand under the button that opened them; arrows walk through their entries.
import { $, $$ } from './core.js';

let pressed = null;
document.addEventListener('click', (event) => {
  const button = event.target.closest('[popovertarget]');
  if (button) pressed = button;
}, true);

document.addEventListener('toggle', (event) => {
  const pop = event.target;
  if (!pop.matches?.('.pop') || event.newState !== 'open') return;
  const button = $(`[popovertarget="${pop.id}"]`) === pressed ? pressed : $(`[popovertarget="${pop.id}"]`);
  if (!button) return;
  const at = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - pop.offsetWidth - 8));
  const below = at.bottom + 6 + pop.offsetHeight <= innerHeight;
  pop.style.left = `${left}px`;
  pop.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - pop.offsetHeight - 6)}px`;
  $('select, input:not([type=hidden]), .mi, a, button', pop)?.focus();
}, true);

document.addEventListener('keydown', (event) => {
  const pop = event.target.closest?.('.pop');
  if (!pop || event.isComposing || !event.target.matches('.mi') || !['ArrowDown', 'ArrowUp'].includes(event.key)) return;
  const entries = $$('.mi', pop).filter((entry) => entry.offsetParent);
  const next = entries.indexOf(event.target) + (event.key === 'ArrowDown' ? 1 : -1);
  entries.at(next % entries.length).focus();
  event.preventDefault();
});
