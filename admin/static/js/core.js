// Shared by all pages: finding elements, texts, talking to the server, toasts, questions.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const readData = (id, otherwise) => JSON.parse($(`#${id}`)?.textContent || otherwise);
export const texts = readData('texts', '{}');
export const data = (id) => readData(id, '[]');

/** A chrome text in the page's language; `%(name)s` places are filled from `values`. */
export const say = (text, values = {}) =>
  Object.entries(values).reduce((result, [name, value]) => result.replaceAll(`%(${name})s`, value), texts[text] ?? text);

/** An icon that the page's sprite carries. */
export function icon(name, size = 14) {
  const holder = document.createElement('span');
  holder.innerHTML = `<svg class="i" width="${size}" height="${size}" aria-hidden="true"><use href="#i-${name}"/></svg>`;
  return holder.firstChild;
}

export function toast(message, { error = false, undo } = {}) {
  const line = document.createElement('p');
  line.className = error ? 'toast error' : 'toast';
  line.append(icon(error ? 'circle-alert' : 'check', 16), message);
  if (undo) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = say('Undo');
    button.onclick = () => { line.remove(); undo(); };
    line.append(button);
  }
  $('.toasts').append(line);
  setTimeout(() => line.remove(), error ? 9000 : 6000);
}

export class Refused extends Error {
  constructor(body) { super(body.message); this.body = body; }
}

/** Send JSON (or a form) and get JSON; a refusal of the platform becomes `Refused`, a dead network a toast. */
export async function send(url, body, method = 'POST') {
  const form = body instanceof FormData;
  const headers = { Accept: 'application/json', 'X-CSRF-Token': document.body.dataset.token };
  if (body && !form) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(url, { method, headers, body: form || !body ? body : JSON.stringify(body) });
  } catch (failure) {
    toast(say('The server cannot be reached. Nothing was saved.'), { error: true });
    throw failure;
  }
  if (answer.status === 401) { location.reload(); }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused({ message: `${answer.status}`, ...content });
  return content;
}

export const get = (url) => send(url, undefined, 'GET');

/** Load a piece of page drawn by the server; its new icons join the page's sprite. */
export async function fragment(url) {
  const answer = await fetch(url, { headers: { Accept: 'text/html' } });
  if (!answer.ok) throw new Refused({ message: `${answer.status}` });
  const holder = document.createElement('template');
  holder.innerHTML = await answer.text();
  const drawn = $('.sprite', holder.content);
  if (drawn) {
    for (const symbol of $$('symbol', drawn)) if (!document.getElementById(symbol.id)) $('.sprite').append(symbol);
    drawn.remove();
  }
  return holder.content;
}

/** Ask before something happens; true when the person agrees. */
export function ask(title, text = '', { yes = say('Confirm'), no = say('Cancel') } = {}) {
  const dialog = $('#ask');
  $('h2', dialog).textContent = title;
  $('p', dialog).textContent = text;
  const [refuse, agree] = $$('button', dialog);
  refuse.textContent = no;
  agree.textContent = yes;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
}
