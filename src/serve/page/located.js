const byId = id => document.getElementById(id);
const data = id => JSON.parse(byId('data-' + id).textContent);
const map = new WorldMap(document.querySelector('.map'), async detail => data('land-' + detail));
const answers = data('answers');
const buttons = [];

function show(index) {
  const answer = answers[index];
  buttons.forEach((button, i) => button.setAttribute('aria-current', String(i === index)));
  byId('answer-heading').textContent = answer.photo;
  byId('facts').replaceChildren(...factsOf(answer));
  const body = make('tbody');
  for (const c of answer.candidates) {
    body.append(make('tr', {}, make('th', {scope: 'row', class: 'n'}, String(c.rank)), make('td', {}, Words.place(c.lat, c.lon)), make('td', {}, c.gallery_id)));
  }
  const head = make('thead', {}, make('tr', {}, ...['rank', 'place', 'gallery item'].map(t => make('th', {scope: 'col'}, t))));
  byId('candidates').replaceChildren(make('div', {class: 'scroll'}, make('table', {}, make('caption', {}, 'Candidates, which may all be wrong'), head, body)));
  map.show(answerLayers(answer));
  map.fit(placesOf(answer));
}

answers.forEach((answer, i) => {
  const button = make('button', {type: 'button', onclick: () => show(i)},
                      make('span', {}, answer.photo, make('small', {}, answer.error || answer.sure || 'no place found')));
  button.disabled = Boolean(answer.error);
  buttons.push(button);
  byId('answers').append(make('li', {}, button));
});
byId('status').textContent = answers.filter(a => !a.error).length + ' of ' + answers.length + ' photos answered.';
const first = answers.findIndex(a => !a.error);
if (first >= 0) show(first);
