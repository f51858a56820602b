'use strict';
const byId = id => document.getElementById(id);
const land = detail => fetch(detail === 'fine' ? '/land-50m.json' : '/land-110m.json').then(r => r.json());
const map = new WorldMap(document.querySelector('.map'), land);
const asked = [];
let waiting = 0;

function say(text, failed = false) {
  byId('status').textContent = text;
  byId('status').className = failed ? 'error' : 'quiet';
}

async function ask(file) {
  const entry = {file, url: URL.createObjectURL(file), answer: null};
  const response = await fetch('/v1/locate?cells=1&view=1&candidates=10&name=' + encodeURIComponent(file.name), {
    method: 'POST', body: file, headers: {'Content-Type': file.type || 'application/octet-stream'}});
  const answer = await response.json().catch(() => ({error: 'HTTP ' + response.status}));
  entry.answer = response.ok ? answer : {error: answer.error || 'HTTP ' + response.status};
  return entry;
}

async function add(files) {
  byId('result').hidden = false;
  const failed = [];
  waiting += files.length;
  for (const file of files) {
    say('Asking about ' + file.name + ' (' + waiting + ' to go)');
    const entry = await ask(file).catch(error => ({file, url: '', answer: {error: String(error)}}));
    waiting--;
    asked.push(entry);
    list(entry);
    if (entry.answer.error) failed.push(entry.answer.error);
    else show(entry);
  }
  say(failed.length ? failed.join('; ') : asked.length + (asked.length === 1 ? ' photo' : ' photos') + ' answered.', failed.length > 0);
}

function list(entry) {
  const {answer, file, url} = entry;
  const words = answer.error ? answer.error : answer.sure || 'no place found';
  entry.button = make('button', {type: 'button', onclick: () => { show(entry); byId('answer-heading').focus(); }},
                      make('img', {src: url, alt: ''}), make('span', {}, file.name, make('small', {}, words)));
  if (answer.error) entry.button.disabled = true;
  byId('answers').append(make('li', {}, entry.button));
}

function show(entry) {
  const {answer, file, url} = entry;
  for (const other of asked) other.button.setAttribute('aria-current', String(other === entry));
  byId('answer-heading').textContent = file.name;
  byId('facts').replaceChildren(...factsOf(answer));
  if (answer.estimate) {
    const e = answer.estimate;
    const link = 'https://www.openstreetmap.org/?mlat=' + e.lat.toFixed(5) + '&mlon=' + e.lon.toFixed(5) + '#map=12/' + e.lat.toFixed(5) + '/' + e.lon.toFixed(5);
    byId('facts').append(make('p', {}, make('a', {href: link, rel: 'noreferrer noopener', target: '_blank'}, 'Open the place in OpenStreetMap'), ' (leaves this page)'));
  }
  pictures(answer, file, url);
  candidates(answer);
  map.show(answerLayers(answer));
  map.fit(placesOf(answer));
}

function pictures(answer, file, url) {
  const shown = make('div', {class: 'pictures'}, make('img', {src: url, alt: 'The photo ' + file.name}));
  const parts = [make('h3', {}, 'Photo'), shown];
  if (answer.mask) {
    const mask = make('img', {class: 'mask', src: answer.mask.png, alt: 'Segmentation: ' + answer.mask.text, hidden: ''});
    shown.append(mask);
    const box = make('input', {type: 'checkbox', onchange: () => { mask.hidden = !box.checked; }});
    parts.push(make('p', {}, make('label', {}, box, ' Show the segmentation: ' + answer.mask.text)));
  }
  byId('photo').replaceChildren(...parts);
}

function candidates(answer) {
  const strip = make('ol', {class: 'strip'});
  for (const c of answer.candidates) {
    const item = make('li', {});
    if (c.photo) item.append(make('img', {src: c.photo, alt: '', loading: 'lazy'}));
    item.append(make('span', {}, c.rank + '. ' + Words.place(c.lat, c.lon) + ' ' + c.gallery_id));
    strip.append(item);
  }
  byId('candidates').replaceChildren(
      make('h3', {}, 'Candidates'),
      make('p', {class: 'quiet'}, 'What looks most alike in the gallery, within ' + Words.km(answer.spread_km) + ' of the first. Candidates that agree may all be wrong: go by how sure the answer is.'), strip);
}

byId('files').addEventListener('change', e => { add([...e.target.files]); e.target.value = ''; });
const drop = byId('drop');
for (const type of ['dragenter', 'dragover']) drop.addEventListener(type, e => { e.preventDefault(); drop.classList.add('over'); });
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', e => {
  e.preventDefault();
  drop.classList.remove('over');
  add([...e.dataTransfer.files]);
});
