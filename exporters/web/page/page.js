// Why: keeps the page true without anyone touching it: it follows the event stream, falls back to
// asking every two seconds, and says so plainly when it cannot reach leverd at all.

import * as render from '/render.js';

const $ = (id) => document.getElementById(id);
const shown = {}; // the last text of each part, so that an unchanged part is left alone
let token = sessionStorage.getItem('leverd-token') || '';
let connected = false;
let lostSince = null;
let streaming = false;
let running = false;
let again = false;
const patience = 5000; // milliseconds for an answer; one that hangs is as good as none

async function ask(path, options) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), patience);
  try {
    const answer = await fetch(path, { ...options, headers, cache: 'no-store', signal: stop.signal });
    const data = await answer.json();
    if (!answer.ok) {
      const problem = new Error(`${data.error}. ${data.hint}`);
      problem.status = answer.status;
      throw problem;
    }
    return data;
  } finally {
    clearTimeout(timer);
  }
}

function part(id, data, make) {
  const text = JSON.stringify(data);
  if (shown[id] === text) return;
  shown[id] = text;
  render.fill($(id), make());
}

function showLink(words, broken) {
  const link = $('link');
  if (link.textContent !== words) link.textContent = words;
  link.className = broken ? 'broken' : '';
}

function showConnection() {
  if (connected) {
    showLink(streaming ? 'live' : 'no event stream, asking every 2 s', false);
  } else if (lostSince) {
    showLink(`not connected since ${lostSince.toLocaleTimeString()}`, true);
  }
}

// A subject is written as it is asked for: tenant/acme.
function showHeadline(words) {
  const first = /^\S+\/\S/.test(words) ? words : words.charAt(0).toUpperCase() + words.slice(1);
  if ($('headline').textContent !== first) $('headline').textContent = first;
}

function showStatus(status) {
  render.setServerTime(status.time);
  const worst = status.concerns[0];
  $('status').className = status.level;
  document.body.classList.remove('lost');
  showHeadline(worst ? `${worst.subject}: ${worst.title}` : status.headline);
  part('first', worst || null, () => render.concern(worst));
  part('others', [status.concerns.slice(1), status.more], () => render.otherConcerns(status, actions));
  $('can-act').textContent = status.can_act.ok ? 'leverd is able to act.'
    : `leverd does not act by itself: ${status.can_act.why.join('; ')}`;
  const undelivered = status.pages ? status.pages.undelivered : [];
  $('undelivered').textContent = undelivered.join('; ');
  $('undelivered').hidden = undelivered.length === 0;
  $('version').textContent = status.version;
  document.title = worst ? `leverd: ${worst.subject}: ${worst.title}` : 'leverd: fine';
  part('facts', { ...status, time: 0 }, () => render.facts(status));
}

// A page that no longer hears of leverd knows nothing: whatever was green is grey from this moment.
function showLost(asksForToken) {
  $('status').className = 'lost';
  document.body.classList.add('lost');
  showHeadline(asksForToken ? 'Enter the API token to see the state'
    : `Blind since ${lostSince.toLocaleTimeString()}: leverd does not answer`);
  part('first', asksForToken ? 'token' : 'lost', () => (asksForToken ? []
    : render.lost()));
  document.title = asksForToken ? 'leverd: token needed' : 'leverd: BLIND, does not answer';
}

const actions = {
  async answer(decision, verb, why) {
    if (!why.trim()) { window.alert('Say why in a few words.'); return; }
    try {
      await ask(`/api/v1/decisions/${encodeURIComponent(decision.id)}/${verb}`,
        { method: 'POST', body: JSON.stringify({ hash: decision.hash, why }) });
    } catch (problem) {
      window.alert(problem.message);
    }
    refresh();
  },
  async copy(text) {
    try { await navigator.clipboard.writeText(text); } catch { window.prompt('Copy this:', text); }
  },
  async why(subject) {
    $('why-title').textContent = `Why: ${subject}`;
    $('why-body').replaceChildren('Reading …');
    if (!$('why-dialog').open) $('why-dialog').showModal();
    try {
      const about = encodeURIComponent(subject);
      const data = await ask(`/api/v1/why?subject=${about}`);
      const earlier = await Promise.all(data.subject.looks.map((l) => ask(
        `/api/v1/probes/${encodeURIComponent(l.probe)}/results?subject=${about}&limit=20`).catch(() => null)));
      $('why-body').replaceChildren(...render.why(data), ...render.results(earlier.filter(Boolean)));
    } catch (problem) {
      $('why-body').replaceChildren(problem.message);
    }
  },
  async all(kind, details) {
    const box = details.querySelector('div');
    try {
      const data = await ask(`/api/v1/subjects?kind=${encodeURIComponent(kind)}`);
      box.replaceChildren(render.el('ul', { class: 'plain' }, data.subjects.map((s) => render.subjectItem(s, actions))));
    } catch (problem) {
      box.replaceChildren(problem.message);
    }
  },
};

async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    const now = await ask('/api/v1/overview');
    const { status, decisions, incidents, symptoms, subjects } = now;
    const held = { stop: status.stop, storm: status.storm, vetoes: status.vetoes,
      windows: status.windows, flapping: status.flapping, autonomy: status.autonomy };
    connected = true;
    lostSince = null;
    showStatus(status);
    part('holds', held, () => render.holds(held, actions));
    $('holds-section').hidden = $('holds').childElementCount === 0;
    part('approvals', [decisions, Boolean(token)], () => render.approvals(decisions, Boolean(token), actions));
    part('incidents', incidents, () => render.openIncidents(incidents, actions));
    part('symptoms', symptoms, () => render.symptoms(symptoms, actions));
    part('subjects', [status.counts.subjects, subjects], () => render.subjects(status.counts.subjects, subjects, actions));
    part('closed', incidents, () => render.closedIncidents(incidents));
  } catch (problem) {
    connected = false;
    lostSince = lostSince || new Date();
    showLost(problem.status === 401 || problem.status === 403);
  }
  render.renewTimes();
  showConnection();
  running = false;
  if (again) {
    again = false;
    setTimeout(refresh, 500);
  }
}

function follow() {
  const source = new EventSource('/api/v1/stream');
  source.onopen = () => { streaming = true; refresh(); };
  source.addEventListener('change', refresh);
  source.onerror = () => {
    streaming = false;
    refresh();
    // The browser tries again by itself, unless the answer was a refusal.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 10000);
  };
}

function setToken(value) {
  token = value;
  if (value) sessionStorage.setItem('leverd-token', value);
  else sessionStorage.removeItem('leverd-token');
  $('token-input').value = '';
  $('token-dialog').close();
  $('token-open').textContent = value ? 'Token entered' : 'Enter token';
  refresh();
}

$('token-open').textContent = token ? 'Token entered' : 'Enter token';
$('token-open').addEventListener('click', () => $('token-dialog').showModal());
$('token-save').addEventListener('click', () => setToken($('token-input').value.trim()));
$('token-forget').addEventListener('click', () => setToken(''));
$('token-close').addEventListener('click', () => $('token-dialog').close());
$('why-close').addEventListener('click', () => $('why-dialog').close());

setInterval(() => { if (!streaming) refresh(); }, 2000);
setInterval(refresh, 5000); // a look grows stale without any event, and so does a hanging stream
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
setInterval(() => { render.renewTimes(); showConnection(); }, 5000);
follow();
refresh();
