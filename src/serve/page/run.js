'use strict';
const byId = id => document.getElementById(id);
const json = async url => {
  const response = await fetch(url);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error || 'HTTP ' + response.status);
  return body;
};
const map = new WorldMap(document.querySelector('.map'), detail => json(detail === 'fine' ? '/land-50m.json' : '/land-110m.json'));
const thresholds = [1, 25, 200, 750, 2500], shownRows = 100;
const classOf = km => (km === null ? 'none' : 'e' + thresholds.filter(t => km >= t).length);
const keyOf = km => (km === null ? 'kn' : 'k' + classOf(km).slice(1));
const loaded = new Map();
let rows = [], second = null, choices = [];

// What can be looked at: the predictions of each benchmark of each run, and what its first candidates would answer.
async function begin() {
  const {runs} = await json('/v1/runs');
  for (const run of runs) {
    for (const benchmark of run.benchmarks) {
      for (const method of ['predictions', 'first candidates']) {
        choices.push({run: run.name, benchmark: benchmark.name, method, scores: benchmark,
                      name: run.name + ', ' + benchmark.name + (method === 'predictions' ? '' : ': first candidates')});
      }
    }
  }
  choices.forEach((choice, i) => {
    byId('a').append(make('option', {value: i}, choice.name));
    byId('b').append(make('option', {value: i}, choice.name));
  });
  if (!choices.length) throw new Error('The run has no BENCHMARK/errors.csv: its step evaluate has not run.');
  await load();
}

async function benchmarkOf(choice) {
  const url = '/v1/runs/' + encodeURIComponent(choice.run) + '/benchmarks/' + encodeURIComponent(choice.benchmark);
  if (!loaded.has(url)) loaded.set(url, await json(url));
  const data = loaded.get(url), first = choice.method !== 'predictions';
  return {conditions: data.conditions, photos: data.photos.map(p => ({
    id: p[0], truth: {lat: p[1][0], lon: p[1][1]}, answer: first ? p[6] : p[2], km: first ? p[7] : p[3], radius: p[4],
    sure: p[5], country: p[8], conditions: p[9]}))};
}

async function load() {
  byId('status').textContent = 'Reading.';
  const a = choices[byId('a').value || 0], b = byId('b').value === '' ? null : choices[byId('b').value];
  const data = await benchmarkOf(a), other = b ? await benchmarkOf(b) : null;
  second = other ? new Map(other.photos.map(p => [p.id, p])) : null;
  rows = data.photos.map(p => ({...p, other: second ? second.get(p.id) || null : null}));
  byId('changed-label').hidden = !second;
  options(data);
  scores(a, b);
  byId('status').textContent = a.name + (b ? ' beside ' + b.name : '') + ': ' + rows.length + ' photos.';
  byId('photo').hidden = true;
  apply();
}

function options(data) {
  const kept = byId('country').value;
  byId('country').replaceChildren(make('option', {value: ''}, 'all'),
    ...[...new Set(rows.map(r => r.country))].filter(Boolean).sort().map(c => make('option', {value: c}, c)));
  byId('country').value = kept;
  if (byId('country').value !== kept) byId('country').value = '';
  byId('conditions').replaceChildren(...Object.entries(data.conditions).map(([name, values], i) => make('label', {}, name,
    make('select', {'data-condition': i}, make('option', {value: ''}, 'all'), ...values.map(v => make('option', {value: v}, v || '(empty)'))))));
}

const median = list => (list.length ? [...list].sort((x, y) => x - y)[Math.floor((list.length - 1) / 2)] : null);
function scoresOf(photos, get) {
  const kms = photos.map(get);
  return [...thresholds.map(t => kms.filter(km => km !== null && km < t).length / Math.max(1, kms.length)), median(kms.filter(km => km !== null))];
}
function scoreTable(caption, named) {
  const head = make('thead', {}, make('tr', {}, make('th', {scope: 'col'}, 'answers'), make('th', {scope: 'col', class: 'n'}, 'photos'),
    ...thresholds.map(t => make('th', {scope: 'col', class: 'n'}, t + ' km')), make('th', {scope: 'col', class: 'n'}, 'median')));
  const body = make('tbody', {}, ...named.map(([name, count, values]) => make('tr', {}, make('th', {scope: 'row'}, name), make('td', {class: 'n'}, String(count)),
    ...values.slice(0, -1).map(v => make('td', {class: 'n'}, (100 * v).toFixed(1) + ' %')), make('td', {class: 'n'}, values.at(-1) === null ? '-' : Words.km(values.at(-1))))));
  return make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption}, make('table', {}, make('caption', {}, caption), head, body));
}
function scores(a, b) {
  const note = a.scores.note ? ' (' + a.scores.note + ')' : '';
  const named = [[a.name + note, rows.length, scoresOf(rows, r => r.km)]];
  if (b) named.push([b.name, rows.length, scoresOf(rows, r => (r.other ? r.other.km : null))]);
  byId('scores').replaceChildren(scoreTable('Photos answered within a distance', named));
}

// Infinity: no answer.
const far = km => (km === null || km === undefined ? Infinity : km);
const gain = r => far(r.other && r.other.km) - far(r.km);
function chosen() {
  const number = (id, absent) => (byId(id).value === '' ? absent : Number(byId(id).value));
  const from = number('from', 0), to = number('to', Infinity), sure = number('sure', 0) / 100, country = byId('country').value;
  const conditions = [...byId('conditions').querySelectorAll('select')].filter(s => s.value !== '').map(s => [Number(s.dataset.condition), s.value]);
  const changed = second ? byId('changed').value : '';
  const list = rows.filter(r => far(r.km) >= from && far(r.km) <= to && (sure === 0 || (r.sure !== null && r.sure >= sure)) &&
    (!country || r.country === country) && conditions.every(([i, v]) => r.conditions[i] === v) &&
    (!changed || (changed === 'better' ? gain(r) > 0 : gain(r) < 0)));
  const order = byId('order').value;
  const key = order === 'best' ? r => far(r.km) : order === 'change' && second ? r => -Math.abs(gain(r)) : r => -far(r.km);
  return list.map(r => [key(r), r]).sort((x, y) => (x[0] === y[0] ? 0 : x[0] < y[0] ? -1 : 1)).map(x => x[1]);
}

function apply() {
  const list = chosen();
  byId('count').textContent = list.length + ' of ' + rows.length + ' photos' + (list.length > shownRows ? ', the first ' + shownRows + ' listed' : '') + '.';
  legend(list);
  draw(list);
  const head = make('thead', {}, make('tr', {}, ...['photo', 'country', 'error', ...(second ? ['beside'] : []), 'within 25 km, as stated'].map((t, i) => make('th', {scope: 'col', class: i > 1 ? 'n' : null}, t))));
  const km = value => (value === null || value === undefined ? 'no answer' : Words.km(value));
  const body = make('tbody', {}, ...list.slice(0, shownRows).map(r => make('tr', {},
    make('th', {scope: 'row'}, make('button', {type: 'button', onclick: () => photo(r.id)}, r.id)), make('td', {}, r.country),
    make('td', {class: 'n'}, make('span', {class: 'key ' + keyOf(r.km), 'aria-hidden': 'true'}), ' ' + km(r.km)),
    ...(second ? [make('td', {class: 'n'}, r.other ? km(r.other.km) : 'not there')] : []),
    make('td', {class: 'n'}, r.sure === null ? '-' : Words.percent(r.sure)))));
  const named = [['shown', list.length, scoresOf(list, r => r.km)]];
  byId('list').replaceChildren(scoreTable('Of the photos shown', named),
    make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Photos'}, make('table', {}, make('caption', {}, 'Photos'), head, body)));
}

function legend(list) {
  const names = ['< 1 km', '1 - 25 km', '25 - 200 km', '200 - 750 km', '750 - 2500 km', '≥ 2500 km'];
  const items = names.map((name, i) => ['k' + i, name, list.filter(r => classOf(r.km) === 'e' + i).length]);
  items.push(['kn', 'no answer', list.filter(r => r.km === null).length]);
  byId('legend').replaceChildren(...items.map(([key, name, count]) => make('li', {}, make('span', {class: 'key ' + key, 'aria-hidden': 'true'}), ' ' + name + ': ' + count)));
}

// One dot for the photos of a degree, coloured by their median error; it opens the worst of them.
function draw(list) {
  const places = new Map();
  for (const r of list) {
    const key = Math.round(r.truth.lat) + ' ' + Math.round(r.truth.lon);
    if (!places.has(key)) places.set(key, []);
    places.get(key).push(r);
  }
  const points = [...places.values()].map(group => {
    group.sort((x, y) => far(x.km) - far(y.km));
    const middle = group[Math.floor((group.length - 1) / 2)];
    return {...middle.truth, colour: classOf(middle.km), r: Math.min(12, 3.5 + Math.sqrt(group.length)), key: group.at(-1).id};
  }).sort((x, y) => y.r - x.r);
  const worst = list.filter(r => r.answer).sort((x, y) => y.km - x.km).slice(0, 40);
  map.show({points, lines: worst.map(r => ({from: r.truth, to: {lat: r.answer[0], lon: r.answer[1]}, colour: classOf(r.km)}))});
  byId('map-words').textContent = 'Dots: where photos were taken, those of a degree together, coloured by their median error. Lines lead to the answers of the 40 worst.';
}
map.onpick = id => photo(id);

async function photo(id) {
  const a = choices[byId('a').value || 0], row = rows.find(r => r.id === id);
  const base = '/v1/runs/' + encodeURIComponent(a.run), query = '?benchmark=' + encodeURIComponent(a.benchmark) + '&id=' + encodeURIComponent(id);
  const detail = await json(base + '/benchmarks/' + encodeURIComponent(a.benchmark) + '/photo?id=' + encodeURIComponent(id));
  byId('photo-heading').textContent = id;
  byId('photo').hidden = false;
  const picture = make('img', {src: base + '/picture' + query, alt: 'The photo ' + id});
  const mask = make('img', {class: 'mask', src: base + '/picture' + query + '&kind=mask', alt: 'Its segmentation', hidden: ''});
  const box = make('input', {type: 'checkbox', onchange: () => { mask.hidden = !box.checked; }});
  const toggle = make('p', {}, make('label', {}, box, ' Show the segmentation'));
  picture.addEventListener('error', () => picture.replaceWith(make('p', {class: 'quiet'}, 'The photo is not there.')));
  mask.addEventListener('error', () => { mask.remove(); toggle.remove(); });
  const facts = [make('p', {class: 'sure'}, row.km === null ? 'No answer' : 'Off by ' + Words.km(row.km)),
                 make('p', {}, 'Truth ' + Words.place(...detail.truth) + (row.answer ? '; answer ' + Words.place(...row.answer) : '') + '.')];
  if (row.other) facts.push(make('p', {}, 'Beside: ' + (row.other.km === null ? 'no answer' : 'off by ' + Words.km(row.other.km)) + '.'));
  if (detail.radius_km !== undefined) facts.push(make('p', {}, 'Stated: half of the probability within ' + Words.km(detail.radius_km) + '; ' + detail.within.map((p, i) => Words.percent(p) + ' within ' + thresholds[i] + ' km').join(', ') + '.'));
  const strip = make('ol', {class: 'strip'}, ...detail.candidates.slice(0, 10).map(c => make('li', {},
    ...(c.photo ? [make('img', {src: base + '/picture?size=small&id=' + encodeURIComponent(c.gallery_id), alt: '', loading: 'lazy'})] : []),
    make('span', {}, c.rank + '. off by ' + Words.km(c.km)))));
  byId('detail').replaceChildren(make('div', {class: 'pictures'}, picture, mask), toggle, ...facts, make('h3', {}, 'Candidates'), strip);
  map.show({points: [...detail.candidates.map(c => ({lat: c.lat, lon: c.lon, colour: 'candidate', r: 4})),
                     {lat: detail.truth[0], lon: detail.truth[1], shape: 'ring'}, ...(row.answer ? [{lat: row.answer[0], lon: row.answer[1], shape: 'cross'}] : [])]});
  byId('map-words').textContent = 'Ring: the truth; cross: the answer; dots: candidates of ' + id + '. A change of the filters shows all photos again.';
  byId('photo-heading').focus();
}

const failed = error => { byId('status').textContent = error.message; byId('status').className = 'error'; };
byId('choice').addEventListener('change', () => load().catch(failed));
byId('choice').addEventListener('submit', e => e.preventDefault());
byId('filters').addEventListener('submit', e => e.preventDefault());
byId('filters').addEventListener('input', () => apply());
byId('filters').addEventListener('reset', () => setTimeout(apply));
begin().catch(failed);
