// The approval inbox: choosing all, how many are chosen; messages of a refused act get the focus.
import { $, $$, say } from './core.js';

customElements.define('gx-inbox', class extends HTMLElement {
  connectedCallback() {
    const all = $('[data-all]', this);
    if (!all) return;
    const boxes = () => $$('input[name=tasks]', this);
    const hint = $('[data-chosen]', this);
    const first = hint.textContent;
    const show = () => {
      const chosen = boxes().filter((box) => box.checked).length;
      hint.textContent = chosen ? say('%(n)s selected', { n: chosen }) : first;
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
      for (const button of $$('.together button', this)) button.disabled = !chosen;
    };
    all.addEventListener('change', () => { for (const box of boxes()) box.checked = all.checked; show(); });
    this.addEventListener('change', show);
    show();
  }
});

$('.summary[role=alert][tabindex]:not([hidden])')?.focus();
