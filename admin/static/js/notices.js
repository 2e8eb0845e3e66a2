// The bell: its panel is loaded when it opens, its count kept fresh while the page is looked at.
import { $, fragment, get, send } from './core.js';

const pane = $('#m-bell');
if (pane) {
  const badge = $('[data-bell] .count');
  const show = (unread) => {
    badge.textContent = unread > 99 ? '99+' : String(unread);
    badge.hidden = !unread;
    $('[data-bell]').setAttribute('aria-label', unread ? `${$('[data-bell]').dataset.name} (${unread})` : $('[data-bell]').dataset.name);
  };
  pane.addEventListener('toggle', async (event) => {
    if (event.newState !== 'open') return;
    const body = $('.notices', pane);
    body.setAttribute('aria-busy', 'true');
    try { body.replaceChildren(await fragment('/notifications/panel/')); } catch { location = '/notifications/'; }
    body.removeAttribute('aria-busy');
  });
  pane.addEventListener('submit', async (event) => {
    event.preventDefault();
    show((await send('/notifications/read/', new FormData(event.target))).unread);
    for (const one of pane.querySelectorAll('.notice.new')) one.classList.remove('new');
  });
  setInterval(async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const now = await get('/notifications/count/');
      show(now.unread);
      for (const tally of document.querySelectorAll('[data-approvals]')) {
        tally.textContent = now.approvals > 99 ? '99+' : String(now.approvals);
        tally.hidden = !now.approvals;
      }
    } catch { /* the next round tries again */ }
  }, 60000);
}
