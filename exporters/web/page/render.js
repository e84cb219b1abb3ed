// Why: turns API objects into elements. Text from outside only ever becomes a text node, so that no
// answer, slug or error of a remote side can become markup.

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== ''));
  return node;
}

let skew = 0; // the daemon's clock minus this browser's
export function setServerTime(text) {
  const moment = Date.parse(text);
  if (!Number.isNaN(moment)) skew = moment - Date.now();
}

export function ago(text) {
  const seconds = Math.round((Date.now() + skew - Date.parse(text)) / 1000);
  const far = Math.abs(seconds);
  const words = far < 60 ? `${far} s` : far < 5400 ? `${Math.round(far / 60)} min`
    : far < 172800 ? `${Math.round(far / 3600)} h` : `${Math.round(far / 86400)} days`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

export function when(text) {
  if (!text) return el('span', { class: 'quiet' }, 'never');
  return el('time', { datetime: text, title: new Date(text).toString() }, ago(text));
}

export function renewTimes() {
  for (const node of document.querySelectorAll('time')) {
    const words = ago(node.getAttribute('datetime'));
    if (node.textContent !== words) node.textContent = words;
  }
}

const none = (words) => el('p', { class: 'none' }, words);

// Replaces the content, but keeps what the reader opened, typed and stands on.
export function fill(box, ...nodes) {
  const active = document.activeElement;
  const focus = box.contains(active) ? active.dataset.key : null;
  const kept = new Map();
  for (const node of box.querySelectorAll('[data-key]')) {
    kept.set(node.dataset.key, node.tagName === 'DETAILS' ? node.open : node.value);
  }
  box.replaceChildren(...nodes.flat());
  for (const node of box.querySelectorAll('[data-key]')) {
    const old = kept.get(node.dataset.key);
    if (old === undefined) continue;
    if (node.tagName === 'DETAILS') node.open = old;
    else if (node.tagName === 'INPUT') node.value = old;
    if (focus === node.dataset.key) node.focus();
  }
}

function subjectButton(subject, actions, context) {
  return el('button', { class: 'link', type: 'button', 'data-key': `why ${context} ${subject}`,
    onclick: () => actions.why(subject), 'aria-haspopup': 'dialog' }, subject);
}

// The worst of what is not well, in the order in which a person asks.
export function concern(worst) {
  if (!worst) return [];
  return [
    worst.since ? el('p', { class: 'quiet' }, 'since ', when(worst.since), ` (${worst.since.slice(0, 19).replace('T', ' ')} UTC)`) : '',
    el('p', {}, worst.leverd),
    el('p', {}, el('b', {}, 'You: '), worst.you),
  ].filter(Boolean);
}

export function otherConcerns(status, actions) {
  const rows = status.concerns.slice(1).map((c) => el('li', {}, subjectButton(c.subject, actions, `also ${c.title}`),
    `: ${c.title}`, c.since ? [' since ', when(c.since)] : '', el('span', { class: 'evidence' }, c.leverd)));
  if (status.more) rows.push(el('li', {}, `and ${status.more} more, below`));
  return rows;
}

export function lost() {
  return [el('p', {}, 'What stands below is from before then and may be wrong.'),
    el('p', {}, el('b', {}, 'You: '), 'on its box, ', el('code', {}, 'systemctl status leverd'), ' and ',
      el('code', {}, 'journalctl -u leverd -p warning'))];
}

export function facts(status) {
  const chip = (warn, words) => el('li', { class: warn ? 'warn' : null }, words);
  return [
    chip(status.stop.stopped, status.stop.stopped ? `stop switch SET by ${status.stop.who}` : 'stop switch off'),
    status.storm.phase === 'closed' ? '' : chip(status.storm.phase === 'open', `storm breaker ${status.storm.phase === 'open' ? 'OPEN' : 'half open'}`),
    status.vetoes.length ? chip(false, `vetoes: ${status.vetoes.length}`) : '',
    chip(!status.observer.trusted, status.observer.trusted ? 'observer trusted' : 'observer in doubt'),
    chip(!status.ledger.writable, status.ledger.writable ? 'ledger writable' : 'ledger NOT writable'),
    chip(false, status.freeze.active ? 'freeze active' : 'no freeze'),
    ...status.restart_needed.map((key) => chip(true, `needs a restart: ${key}`)),
    chip(false, `mode ceiling: ${status.mode_ceiling}`),
    chip(!status.ready.ok, status.ready.ok ? 'ready' : `not ready: ${status.ready.why}`),
    chip(false, `levers in flight: ${status.counts.levers_in_flight}`),
  ].filter(Boolean);
}

// Only what holds something now; nothing at all on a quiet day.
export function holds(held, actions) {
  const ends = (text) => (text ? ['ends ', when(text)] : 'until somebody lifts it');
  const line = (title, words, ...more) => el('li', {}, el('b', {}, title), ' ', words, ...more.flat());
  const copy = (command, key) => el('button', { type: 'button', class: 'link', 'data-key': `copy ${key}`,
    onclick: () => actions.copy(command) }, `copy: ${command}`);
  const lines = [];
  if (held.stop.stopped) {
    lines.push(line('Stop switch', `set by ${held.stop.who}, `, ends(held.stop.until),
      el('span', { class: 'evidence' }, held.stop.why)));
  }
  if (held.stop.file) lines.push(line('Stop file', `holds every lever: remove ${held.stop.file}`));
  if (held.storm.phase !== 'closed') {
    lines.push(line(`Storm breaker ${held.storm.phase === 'open' ? 'open' : 'half open'}`, held.storm.words,
      el('span', { class: 'evidence' }, held.storm.why)));
  }
  for (const v of held.vetoes) {
    lines.push(line(`Veto ${v.id}`, `${v.lever || 'every lever'} on ${v.subjects}, by ${v.who}, `, ends(v.until), ' ',
      copy(`leverd unveto ${v.id} --why "..."`, v.id), el('span', { class: 'evidence' }, v.why)));
  }
  for (const w of held.windows) {
    lines.push(line(`Window ${w.id}`, w.effect === 'only' ? `levers only inside ${w.when}` : `no lever inside ${w.when}`,
      el('span', { class: 'evidence' }, `${w.reason} (${w.owner})`)));
  }
  for (const f of held.flapping) {
    lines.push(line('Flapping', subjectButton(f.subject, actions, `flap ${f.signal}`),
      `: ${f.signal} changed ${f.changes} times in ${f.window}, so no disruptive lever`));
  }
  for (const p of held.autonomy) lines.push(line(`Policy ${p.policy}`, p.missing));
  return lines.length ? [el('div', { class: 'card' }, el('ul', { class: 'plain' }, lines))] : [];
}

function rungList(rungs) {
  if (rungs.length < 2) return null;
  const words = (r) => (r.tries ? `tried ${r.tries === 1 ? 'once' : `${r.tries} times`}, ${r.result}` : 'not tried yet');
  return el('ol', {}, rungs.map((r) => el('li', {}, r.current ? el('b', {}, r.lever) : r.lever, `: ${words(r)}`,
    r.why ? el('span', { class: 'evidence' }, r.why) : null)));
}

export function guardTable(guards) {
  const body = guards.map((g) => el('tr', {},
    el('td', {}, g.guard), el('td', { class: g.pass ? null : 'fails' }, g.pass ? 'passes' : 'holds'),
    el('td', {}, g.value), el('td', {}, g.limit), el('td', {}, g.text)));
  const head = ['guard', 'says', 'value', 'limit', 'meaning'].map((h) => el('th', { scope: 'col' }, h));
  return el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'guards in order' },
    el('table', {}, el('thead', {}, el('tr', {}, head)), el('tbody', {}, body)));
}

export function planList(plan) {
  if (!plan) return none('No plan is known.');
  const calls = plan.calls.map((c) => el('li', {},
    el('code', {}, `${c.method} ${c.url}`), c.body ? el('pre', {}, c.body) : null,
    c.why ? el('span', { class: 'evidence' }, c.why) : null));
  const lines = (list, label, tag) => (list.length
    ? [el('p', { class: 'quiet' }, label), el(tag, {}, list.map((s) => el('li', {}, s)))] : []);
  return el('div', {}, calls.length ? el('ul', { class: 'plain' }, calls) : null,
    lines(plan.steps, 'Steps for a person:', 'ol'), lines(plan.warnings, 'Warnings:', 'ul'));
}

export function approvals(decisions, hasToken, actions) {
  if (!decisions.length) return none('No lever waits for an approval.');
  return decisions.map((d) => {
    const input = el('input', { 'data-key': `why ${d.id}`, 'aria-label': `Why (${d.id})`, maxlength: '300', placeholder: 'why (needed)' });
    const answer = (verb) => () => actions.answer(d, verb, input.value);
    const buttons = hasToken
      ? el('p', { class: 'buttons' }, input,
        el('button', { type: 'button', class: 'approve', 'data-key': `yes ${d.id}`, onclick: answer('approve') }, `Approve ${d.id}`),
        el('button', { type: 'button', 'data-key': `no ${d.id}`, onclick: answer('reject') }, `Reject ${d.id}`))
      : el('p', { class: 'buttons' }, el('code', {}, d.approve_command),
        el('button', { type: 'button', 'data-key': `copy ${d.id}`, onclick: () => actions.copy(d.approve_command) }, 'Copy'));
    return el('article', { class: 'card person' },
      el('div', { class: 'head' }, el('h3', {}, `${d.lever} on ${d.subject}`),
        el('span', {}, d.title), el('span', { class: 'quiet' }, 'decided ', when(d.decided)),
        d.expires ? el('span', { class: 'quiet' }, 'expires ', when(d.expires)) : null),
      el('p', {}, 'These exact calls will be made:'), planList(d.plan), buttons,
      el('details', { 'data-key': `guards ${d.id}` }, el('summary', {}, `All ${d.guards.length} guards`), guardTable(d.guards)));
  });
}

function incidentCard(incident, actions) {
  const newest = incident.intents[incident.intents.length - 1];
  const linked = incident.linked.length > 1
    ? el('details', { 'data-key': `linked ${incident.incident}` },
      el('summary', {}, `explains ${incident.linked.length} symptoms`),
      el('ul', { class: 'plain' }, incident.linked.map((l) => el('li', {}, `${l.subject}: ${l.symptom}`)))) : null;
  const verdict = newest && newest.verdict ? `last verdict: ${newest.verdict.kind}. ${newest.verdict.why}` : null;
  const decision = incident.decision;
  return el('article', { class: incident.phase === 'escalated' ? 'card escalated' : 'card' },
    el('div', { class: 'head' }, el('h3', {}, incident.title), subjectButton(incident.subject, actions, incident.incident),
      el('span', { class: 'quiet' }, `${incident.incident}, since `, when(incident.opened))),
    el('p', {}, incident.words),
    incident.first_lever ? el('p', { class: 'quiet' }, `The runbook's first lever: ${incident.first_lever}`) : null,
    incident.note ? el('p', { class: 'quiet' }, incident.note) : null,
    verdict ? el('p', {}, verdict) : null, rungList(incident.rungs), linked,
    decision ? el('details', { 'data-key': `decision ${incident.incident}` },
      el('summary', {}, `decision ${decision.id}: ${decision.action} ${decision.lever}, ${decision.reason}`),
      incident.plan ? planList(incident.plan.plan) : null, guardTable(decision.guards)) : null);
}

export function openIncidents(list, actions) {
  const open = list.filter((i) => i.phase !== 'closed');
  return open.length ? open.map((i) => incidentCard(i, actions)) : none('No open incident.');
}

export function closedIncidents(list) {
  const closed = list.filter((i) => i.phase === 'closed').slice(0, 20);
  if (!closed.length) return none('None since leverd started to keep its ledger.');
  return el('ul', { class: 'plain' }, closed.map((i) => el('li', {},
    el('b', {}, i.title), ` ${i.subject}, `, when(i.closed), el('span', { class: 'evidence' }, `${i.incident}: ${i.words}`))));
}

export function symptoms(list, actions) {
  if (!list.length) return none('No symptom is active.');
  return el('ul', { class: 'plain' }, list.map((s) => el('li', {},
    el('b', {}, s.title), ' ', subjectButton(s.subject, actions, `symptom ${s.symptom}`), ' since ', when(s.raised),
    el('span', { class: 'evidence' }, s.evidence))));
}

const layers = [['canvas', 'Canvas'], ['control-plane', 'Control plane'], ['platform', 'Platform'],
  ['image', 'Images'], ['runtime', 'Runtimes'], ['edge', 'Edge'], ['tenant', 'Tenants'],
  ['workspace', 'Workspaces'], ['registry', 'Registry'], ['forge', 'Forge'], ['freeze', 'Freeze'],
  ['credential', 'Credentials'], ['heartbeat', 'Heartbeats'], ['reference', 'Reference points'],
  ['observer', 'Observer: leverd itself']];

export function subjectItem(s, actions) {
  return el('li', {}, subjectButton(s.subject, actions, 'row'), ' ', el('span', { class: `word ${s.health}` }, s.health),
    s.health === 'healthy' ? null : ` ${s.reason_text}`, ' ', when(s.last_seen),
    s.health !== 'healthy' && s.evidence ? el('span', { class: 'evidence' }, s.evidence) : null);
}

export function subjects(counts, bad, actions) {
  const known = layers.map(([kind]) => kind);
  const others = Object.keys(counts).filter((kind) => !known.includes(kind));
  const rows = [...layers, ...others.map((kind) => [kind, kind])].filter(([kind]) => counts[kind]);
  if (!rows.length) return none('Nothing was looked at yet.');
  return rows.map(([kind, label]) => {
    const words = Object.entries(counts[kind]).filter(([, n]) => n > 0).map(([health, n], i) => [
      i ? ', ' : '', el('span', { class: `word ${health}` }, `${n} ${health}`)]);
    const items = bad.filter((s) => s.kind === kind);
    const all = el('details', { 'data-key': `all ${kind}`, ontoggle: (e) => e.target.open && actions.all(kind, e.target) },
      el('summary', {}, 'show all'), el('div', {}));
    return el('div', { class: 'card' }, el('div', { class: 'head' }, el('h3', {}, label), el('span', {}, words.flat())),
      items.length ? el('ul', { class: 'plain' }, items.map((s) => subjectItem(s, actions))) : null, all);
  });
}

export function why(data) {
  const s = data.subject;
  const list = (title, items) => [el('h3', {}, title), items.length ? el('ul', { class: 'plain' }, items) : none('none')];
  return [
    el('p', {}, el('span', { class: `word ${s.health}` }, s.health), ` ${s.reason_text}`),
    list('Newest looks', s.looks.map((l) => el('li', {}, `${l.probe}: `, el('span', { class: `word ${l.health}` }, l.health),
      ` ${l.class === 'none' ? '' : `${l.class}: `}${l.reason_text}, same ${l.repeats} times, `, when(l.seen), el('span', { class: 'evidence' }, l.evidence)))),
    list('Signals', s.detectors.map((d) => el('li', {},
      `${d.signal}: ${d.raised ? 'RAISED, ' : ''}${d.bad} of ${d.bad_needed ?? '?'} bad looks, ${d.good} of ${d.good_needed ?? '?'} good looks`))),
    list('Symptoms', data.symptoms.map((y) => el('li', {}, y.title, ' since ', when(y.raised)))),
    list('Incidents', data.incidents.map((i) => el('li', {}, `${i.incident} ${i.title}: ${i.words}`))),
    data.decision ? [el('h3', {}, `Decision ${data.decision.id}: ${data.decision.action} ${data.decision.lever}, ${data.decision.reason}`),
      rungList(data.decision.rungs) ?? [],
      guardTable(data.decision.guards)] : [],
    list('Past decisions', data.past_decisions.map((e) => el('li', {}, when(e.time),
      ` ${e.body.id}: ${e.body.action} ${e.body.lever} because ${e.body.reason}`))),
  ].flat(2);
}

function answer(a) {
  const phases = Object.entries(a.phases).filter(([, ms]) => ms > 0).map(([name, ms]) => `${name} ${ms} ms`).join(', ');
  return el('span', { class: 'evidence' }, `${a.method} ${a.url}: ${a.status || a.failure}${phases ? ` (${phases})` : ''}`,
    a.bytes ? `; ${a.bytes} bytes, sha256 ${a.sha256.slice(0, 12)}` : '', a.body ? `: ${a.body}` : '');
}

// The last looks of each probe at one subject, newest first.
export function results(all) {
  return all.filter((one) => one.results.length).map((one) => el('details', {},
    el('summary', {}, `Last looks of ${one.probe} (${one.results.length})`),
    el('ul', { class: 'plain' }, one.results.map((r) => el('li', {}, when(r.seen), ' ',
      el('span', { class: `word ${r.health}` }, r.health), r.health === 'healthy' ? '' : ` ${r.reason_text}`, `, took ${r.took} ms`,
      r.evidence ? el('span', { class: 'evidence' }, r.evidence) : null, r.answer ? answer(r.answer) : null)))));
}
