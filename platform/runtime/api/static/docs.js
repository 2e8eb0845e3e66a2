// Sends one operation with the token given above, or with the session's own cookie, and shows the answer.
const csrf = () => document.querySelector('meta[name="csrf"]').content;

async function send(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = { "X-CSRF-Token": csrf() };
  const token = document.querySelector("#token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  for (const input of form.querySelectorAll("input")) {
    if (!input.value) continue;
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.in === "header") headers[input.name] = input.value;
    else query.set(input.name, input.value);
  }
  const area = form.querySelector("textarea");
  if (area) headers["Content-Type"] = "application/json";
  const url = path + (query.size ? `?${query}` : "");
  const answer = await fetch(url, { method: form.dataset.method, headers, body: area ? area.value : undefined });
  const text = await answer.text();
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    shown = text;
  }
  return `${answer.status} ${answer.statusText}\n\n${shown}`;
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const out = form.querySelector("pre");
  out.hidden = false;
  out.textContent = "…";
  try {
    out.textContent = await send(form);
  } catch (fault) {
    out.textContent = String(fault);
  }
});
