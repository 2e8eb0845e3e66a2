/* Draws a public form on another site:
     <div data-guanxi-form="ask_us"></div>
     <script type="module" src="https://crm.example.com/forms/ask_us/embed.js"></script>
   Everything is drawn in a shadow root, so the site's styles and the form's do not meet. Texts are set as text, never
   as HTML. Variables of the site (--guanxi-accent, --guanxi-font …) colour it. */
const HERE = new URL(import.meta.url);
const FORM = HERE.pathname.split('/').at(-2);
const BASE = `${HERE.origin}/forms/${FORM}`;
const STYLE = `
:host { display: block; color-scheme: light dark; font: 16px/1.5 var(--guanxi-font, system-ui, sans-serif); }
* { box-sizing: border-box; }
form { display: grid; gap: 18px; max-width: 640px; }
.field, fieldset { display: grid; gap: 6px; min-width: 0; border: 0; margin: 0; padding: 0; }
label, legend { font-weight: 600; padding: 0; }
input:not([type=checkbox], [type=radio]), textarea, select { width: 100%; min-height: 44px; padding: 9px 12px; font: inherit;
  border: 1px solid #7d8794; border-radius: 8px; background: Field; color: FieldText; }
.options { display: flex; flex-wrap: wrap; gap: 4px 16px; }
.options label, .tick { display: flex; gap: 8px; align-items: flex-start; font-weight: 400; min-height: 32px; }
.help, .fault { margin: 0; font-size: 14px; }
.fault, .alert { color: var(--guanxi-error, light-dark(#b42318, #ff9a91)); }
[aria-invalid=true] { border-color: #b42318; }
button { justify-self: start; min-height: 44px; padding: 10px 24px; font: inherit; font-weight: 600; cursor: pointer; border: 0;
  border-radius: 8px; background: var(--guanxi-accent, #3642b8); color: var(--guanxi-on-accent, #fff); }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`;

function make(tag, given = {}, ...inside) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== undefined && value !== null && (value !== '' || name === 'value')) node.setAttribute(name, value);
  }
  node.append(...inside.filter((one) => one !== null && one !== undefined && one !== ''));
  return node;
}

function mark(field, texts) {
  return field.required ? make('span', { title: texts.required }, ' *') : '';
}

function several(field, texts) {
  const kind = field.kind === 'checkboxes' ? 'checkbox' : 'radio';
  const options = field.options.map((one) =>
    make('label', {}, make('input', { type: kind, name: field.name, value: one.value, required: field.required && kind === 'radio' }), one.label));
  return make('fieldset', {}, make('legend', {}, field.label, mark(field, texts)), make('div', { class: 'options' }, ...options));
}

function single(field, texts) {
  const id = `f-${field.name}`;
  const shared = { id, name: field.name, required: field.required, placeholder: field.placeholder, maxlength: field.length };
  let input;
  if (field.kind === 'checkbox') {
    input = make('input', { type: 'checkbox', name: field.name, value: '1', required: field.required });
    return make('div', { class: 'field' }, make('label', { class: 'tick' }, input, make('span', {}, field.label, mark(field, texts))));
  }
  if (field.kind === 'textarea') input = make('textarea', { ...shared, rows: 5 });
  else if (field.kind === 'select') {
    const options = field.options.map((one) => make('option', { value: one.value }, one.label));
    input = make('select', { id, name: field.name, required: field.required }, make('option', { value: '' }, texts.choose), ...options);
  } else {
    const type = field.kind === 'number' ? 'text' : field.kind;
    input = make('input', { ...shared, type, inputmode: field.kind === 'number' ? 'decimal' : '', autocomplete: field.autocomplete });
  }
  return make('div', { class: 'field' }, make('label', { for: id }, field.label, mark(field, texts)), input);
}

function question(field, texts, place) {
  if (field.hidden) {
    const value = place.dataset[field.name] || new URLSearchParams(location.search).get(field.name);
    return value ? make('input', { type: 'hidden', name: field.name, value }) : '';
  }
  const drawn = ['radios', 'checkboxes', 'scale'].includes(field.kind) ? several(field, texts) : single(field, texts);
  drawn.dataset.field = field.name;
  if (field.help) {
    drawn.append(make('p', { class: 'help', id: `${field.name}-help` }, field.help));
    drawn.querySelector('input, textarea, select')?.setAttribute('aria-describedby', `${field.name}-help`);
  }
  return drawn;
}

function clear(form) {
  form.querySelectorAll('.fault, .alert').forEach((one) => one.remove());
  form.querySelectorAll('[aria-invalid]').forEach((one) => one.removeAttribute('aria-invalid'));
}

function tell(form, problem, texts) {
  const words = [texts.wrong];
  let first = null;
  for (const error of problem.errors || []) {
    const place = form.querySelector(`[data-field="${CSS.escape(error.field)}"]`);
    if (!place) { words.push(error.message); continue; }
    place.append(make('p', { class: 'fault' }, error.message));
    const input = place.querySelector('input, textarea, select');
    input?.setAttribute('aria-invalid', 'true');
    first ??= input;
  }
  if (!problem.errors) words.splice(0, 1, problem.detail || texts.failed);
  form.prepend(make('p', { class: 'alert', role: 'alert' }, words.join(' ')));
  first?.focus();
}

async function send(place, root, form, schema) {
  const button = form.querySelector('button');
  button.disabled = true;
  clear(form);
  try {
    const body = new FormData(form);
    const data = schema.files ? body : new URLSearchParams(body);
    const answer = await fetch(BASE, { method: 'POST', body: data, headers: { Accept: 'application/json' }, credentials: 'omit' });
    const said = await answer.json();
    if (!answer.ok) {
      if (said.code === 'expired') {
        const fresh = await load(place);
        form.elements._started.value = fresh.started;
      }
      tell(form, said, schema.texts);
      return;
    }
    const thanks = make('p', { role: 'status', tabindex: '-1' }, said.thanks);
    form.replaceWith(thanks);
    thanks.focus();
    place.dispatchEvent(new CustomEvent('guanxi:sent', { bubbles: true }));
    if (said.redirect) location.assign(said.redirect);
  } catch {
    tell(form, { detail: schema.texts.failed }, schema.texts);
  } finally {
    button.disabled = false;
  }
}

async function load(place) {
  const language = place.dataset.lang || document.documentElement.lang.split('-')[0];
  const query = new URLSearchParams();
  if (language) query.set('lang', language);
  if (place.dataset.link) query.set('p', place.dataset.link);
  const answer = await fetch(`${BASE}/schema?${query}`, { credentials: 'omit' });
  if (!answer.ok) throw new Error(`The form ${FORM} cannot be loaded (${answer.status}).`);
  return answer.json();
}

async function draw(place) {
  const root = place.shadowRoot || place.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const schema = await load(place);
  const { texts, consent } = schema;
  const form = make('form', { lang: schema.language, 'aria-label': schema.label },
    make('input', { type: 'hidden', name: '_started', value: schema.started }),
    make('input', { type: 'hidden', name: '_lang', value: schema.language }),
    place.dataset.link ? make('input', { type: 'hidden', name: '_p', value: place.dataset.link }) : '',
    make('p', { class: 'away', 'aria-hidden': 'true' }, make('label', {}, texts.bait, make('input', { name: schema.honeypot, tabindex: '-1', autocomplete: 'off' }))),
    ...schema.fields.map((field) => question(field, texts, place)));
  if (consent) {
    const box = make('input', { type: 'checkbox', name: '_consent', value: '1', required: consent.required });
    const whole = make('div', { class: 'field' }, make('label', { class: 'tick' }, box, make('span', {}, consent.text)));
    whole.dataset.field = '_consent';
    form.append(whole);
  }
  form.append(make('button', {}, schema.button));
  form.addEventListener('submit', (event) => { event.preventDefault(); send(place, root, form, schema); });
  root.replaceChildren(form);
}

document.querySelectorAll(`[data-guanxi-form="${FORM}"]`).forEach((place) => {
  draw(place).catch((error) => { place.textContent = error.message; });
});
export { draw };
