'use strict';
// A world map on a canvas (Mercator, the world from 0 to 1 in both directions): land, areas, points and lines; dragged,
// zoomed by wheel, fingers, buttons and keys.

const Mercator = {
  x: lon => (lon + 180) / 360,
  y(lat) {
    const s = Math.sin(Math.max(-85.05, Math.min(85.05, lat)) * Math.PI / 180);
    return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
  },
  lon: x => x * 360 - 180,
  lat: y => Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI,
};

// TopoJSON of configs/land: the land as one path, and the borders between countries.
function landPaths(topology) {
  const [[sx, sy], [ox, oy]] = [topology.transform.scale, topology.transform.translate];
  const arcs = topology.arcs.map(steps => {
    let x = 0, y = 0;
    return steps.map(([dx, dy]) => [Mercator.x((x += dx) * sx + ox), Mercator.y((y += dy) * sy + oy)]);
  });
  const land = new Path2D(), borders = new Path2D(), uses = new Map();
  const rings = g => (g.type === 'MultiPolygon' ? g.arcs.flat() : g.arcs);
  for (const g of topology.objects.countries.geometries) {
    for (const ring of rings(g)) for (const i of ring) uses.set(i < 0 ? ~i : i, (uses.get(i < 0 ? ~i : i) || 0) + 1);
  }
  for (const g of topology.objects.land.geometries) {
    for (const ring of rings(g)) {
      let first = true;
      for (const i of ring) {
        const arc = i < 0 ? [...arcs[~i]].reverse() : arcs[i];
        arc.forEach(([x, y], k) => { if (first) land.moveTo(x, y); else if (k > 0) land.lineTo(x, y); first = false; });
      }
      land.closePath();
    }
  }
  for (const [i, count] of uses) {
    if (count > 1) arcs[i].forEach(([x, y], k) => (k === 0 ? borders.moveTo(x, y) : borders.lineTo(x, y)));
  }
  return {land, borders};
}

class WorldMap {
  // figure: <figure class="map"> with a canvas. land: what gives the TopoJSON of a detail, 'small' or 'fine'.
  constructor(figure, land) {
    this.canvas = figure.querySelector('canvas');
    this.context = this.canvas.getContext('2d');
    this.loadLand = land;
    this.layers = {heat: [], points: [], lines: [], circle: null};
    this.onpick = null;
    this.whole();
    for (const [name, step] of [['in', () => this.zoom(2)], ['out', () => this.zoom(0.5)], ['all', () => this.whole()]]) {
      figure.querySelector('[data-zoom=' + name + ']').addEventListener('click', () => { step(); this.draw(); });
    }
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    land('small').then(topology => { this.small = landPaths(topology); this.draw(); });
  }

  whole() { this.at = {x: 0.5, y: 0.43, scale: 1}; }
  width() { return Math.max(1, this.canvas.clientWidth); }
  height() { return Math.max(1, this.canvas.clientHeight); }
  // Pixels of the whole world at scale 1: as wide as the canvas.
  pixels() { return this.width() * this.at.scale; }
  zoom(factor, px = this.width() / 2, py = this.height() / 2) {
    const before = this.unit(px, py);
    this.at.scale = Math.max(1, Math.min(20000, this.at.scale * factor));
    const after = this.unit(px, py);
    this.at.x += before.x - after.x;
    this.at.y += before.y - after.y;
    this.keep();
  }
  keep() {
    this.at.x -= Math.floor(this.at.x);
    this.at.y = Math.max(0, Math.min(1, this.at.y));
  }
  unit(px, py) {
    return {x: this.at.x + (px - this.width() / 2) / this.pixels(), y: this.at.y + (py - this.height() / 2) / this.pixels()};
  }
  pan(px, py) {
    this.at.x -= px / this.pixels();
    this.at.y -= py / this.pixels();
    this.keep();
    this.draw();
  }
  // To show all of these places with some land around them: at least 1,000 km.
  fit(places) {
    if (!places.length) return;
    const xs = places.map(p => Mercator.x(p.lon)), ys = places.map(p => Mercator.y(p.lat));
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const share = Math.max(right - left, (bottom - top) * this.width() / this.height(), 0.025);
    this.at = {x: (left + right) / 2, y: (top + bottom) / 2, scale: Math.max(1, 0.6 / share)};
    this.draw();
  }
  show(layers) { this.layers = {heat: [], points: [], lines: [], circle: null, ...layers}; this.draw(); }

  listen() {
    const pointers = new Map();
    let moved = 0;
    const place = e => ({x: e.offsetX, y: e.offsetY});
    this.canvas.addEventListener('pointerdown', e => {
      this.canvas.setPointerCapture(e.pointerId);
      pointers.set(e.pointerId, place(e));
      moved = 0;
    });
    this.canvas.addEventListener('pointermove', e => {
      const before = pointers.get(e.pointerId);
      if (!before) return;
      const now = place(e), others = [...pointers].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      if (others.length) {
        const d = p => Math.max(8, Math.hypot(p.x - others[0].x, p.y - others[0].y));
        this.zoom(d(now) / d(before), (now.x + others[0].x) / 2, (now.y + others[0].y) / 2);
        this.draw();
      } else {
        this.pan(now.x - before.x, now.y - before.y);
      }
      pointers.set(e.pointerId, now);
    });
    for (const type of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(type, e => {
        if (type === 'pointerup' && pointers.size === 1 && moved < 5) this.pick(place(e));
        pointers.delete(e.pointerId);
      });
    }
    this.canvas.addEventListener('wheel', e => {
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY * 0.0015), e.offsetX, e.offsetY);
      this.draw();
    }, {passive: false});
    this.canvas.addEventListener('keydown', e => {
      const step = 60, keys = {ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step]};
      if (keys[e.key]) this.pan(...keys[e.key]);
      else if (e.key === '+' || e.key === '=') this.zoom(1.5);
      else if (e.key === '-') this.zoom(1 / 1.5);
      else if (e.key === '0') this.whole();
      else return;
      e.preventDefault();
      this.draw();
    });
  }
  pick(at) {
    if (!this.onpick) return;
    let best = null, nearest = 14;
    for (const p of this.layers.points) {
      if (p.key === undefined) continue;
      const [x, y] = this.screen(p);
      const d = Math.hypot(x - at.x, y - at.y);
      if (d < nearest) [nearest, best] = [d, p];
    }
    if (best) this.onpick(best.key);
  }
  // Pixels of a place, in the copy of the world nearest to the middle.
  screen(p) {
    let dx = Mercator.x(p.lon) - this.at.x;
    dx -= Math.round(dx);
    return [this.width() / 2 + dx * this.pixels(), this.height() / 2 + (Mercator.y(p.lat) - this.at.y) * this.pixels()];
  }

  draw() {
    if (!this.queued) this.queued = requestAnimationFrame(() => { this.queued = 0; this.drawNow(); });
  }
  drawNow() {
    const c = this.context, ratio = devicePixelRatio || 1, w = this.width(), h = this.height(), pixels = this.pixels();
    if (this.canvas.width !== Math.round(w * ratio) || this.canvas.height !== Math.round(h * ratio)) {
      this.canvas.width = Math.round(w * ratio);
      this.canvas.height = Math.round(h * ratio);
    }
    const style = getComputedStyle(this.canvas), colour = name => style.getPropertyValue('--' + name).trim();
    if (this.at.scale > 3 && !this.fineAsked) {
      this.fineAsked = true;
      this.loadLand('fine').then(topology => { this.fine = landPaths(topology); this.draw(); });
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = colour('sea');
    c.fillRect(0, 0, w, h);
    const land = (this.at.scale > 3 && this.fine) || this.small;
    for (const copy of [-1, 0, 1]) {
      c.setTransform(ratio * pixels, 0, 0, ratio * pixels, ratio * (w / 2 + (copy - this.at.x) * pixels),
                     ratio * (h / 2 - this.at.y * pixels));
      c.lineWidth = 0.8 / pixels;
      if (land) {
        c.fillStyle = colour('land');
        c.fill(land.land, 'evenodd');
        c.strokeStyle = colour('border');
        c.stroke(land.borders);
      }
      c.fillStyle = colour('heat');
      for (const {path, spots, strength} of this.layers.heat) {
        c.globalAlpha = strength;
        c.fill(path);
        c.fill(seenSpots(spots, 5 / pixels));
      }
      c.globalAlpha = 1;
      if (land) {
        c.strokeStyle = colour('coast');
        c.stroke(land.land);
      }
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawMarks(c, colour);
  }
  drawMarks(c, colour) {
    for (const line of this.layers.lines) {
      const [x1, y1] = this.screen(line.from);
      let [x2, y2] = this.screen(line.to);
      const turn = this.pixels();
      if (Math.abs(x2 - x1) > turn / 2) x2 += x1 > x2 ? turn : -turn;
      c.strokeStyle = colour(line.colour);
      c.globalAlpha = 0.6;
      c.lineWidth = 1.2;
      c.beginPath();
      c.moveTo(x1, y1);
      c.lineTo(x2, y2);
      c.stroke();
      c.globalAlpha = 1;
    }
    if (this.layers.circle) {
      const {lat, lon, km} = this.layers.circle, [x, y] = this.screen({lat, lon});
      const r = km / (40075 * Math.cos(lat * Math.PI / 180)) * this.pixels();
      c.strokeStyle = colour('mark');
      c.lineWidth = 1.5;
      c.setLineDash([5, 4]);
      c.beginPath();
      c.arc(x, y, r, 0, 2 * Math.PI);
      c.stroke();
      c.setLineDash([]);
    }
    for (const p of this.layers.points) {
      const [x, y] = this.screen(p);
      if (x < -20 || y < -20 || x > this.width() + 20 || y > this.height() + 20) continue;
      c.beginPath();
      if (p.shape === 'cross') {
        c.moveTo(x - 8, y - 8); c.lineTo(x + 8, y + 8); c.moveTo(x - 8, y + 8); c.lineTo(x + 8, y - 8);
        c.lineCap = 'round';
        c.strokeStyle = colour('halo'); c.lineWidth = 7; c.stroke();
        c.strokeStyle = colour('mark'); c.lineWidth = 3; c.stroke();
      } else if (p.shape === 'ring') {
        c.arc(x, y, 9, 0, 2 * Math.PI);
        c.strokeStyle = colour('halo'); c.lineWidth = 6; c.stroke();
        c.strokeStyle = colour('mark'); c.lineWidth = 3; c.stroke();
      } else {
        c.arc(x, y, p.r || 5, 0, 2 * Math.PI);
        c.fillStyle = colour(p.colour);
        c.fill();
        c.strokeStyle = colour('halo'); c.lineWidth = 1; c.stroke();
      }
    }
  }
}

// Cells that would be smaller than `least` on the screen, as squares of that side: street blocks are seen from afar.
function seenSpots(spots, least) {
  const path = new Path2D();
  for (const [x, y, side] of spots) if (side < least) path.rect(x - least / 2, y - least / 2, least, least);
  return path;
}

// Cells, densest first, as layers from light to strong: what holds 90, 80 ... 10 % of the probability.
function heatOf(cells) {
  const layers = [];
  let held = 0, path = null, spots = null, bin = -1;
  for (const cell of cells) {
    const now = Math.min(8, Math.floor(held * 10));
    if (now !== bin) {
      path = new Path2D();
      spots = [];
      layers.push({path, spots, strength: [0.75, 0.66, 0.57, 0.48, 0.39, 0.3, 0.22, 0.14, 0.08][now]});
      bin = now;
    }
    held += cell.p;
    for (const ring of cell.rings) {
      const xs = ring.filter((_, i) => i % 2 === 0).map(Mercator.x), side = Math.max(...xs) - Math.min(...xs);
      spots.push([Math.min(...xs) + side / 2, Mercator.y(ring[1]), side]);
      for (let i = 0; i < ring.length; i += 2) {
        const x = Mercator.x(ring[i]), y = Mercator.y(ring[i + 1]);
        if (i === 0) path.moveTo(x, y); else path.lineTo(x, y);
      }
      path.closePath();
    }
  }
  return layers;
}

const Words = {
  km: km => (km < 1 ? km.toFixed(2) : km < 100 ? km.toFixed(1) : Math.round(km).toLocaleString('en')) + ' km',
  km2: km2 => (km2 < 10 ? km2.toPrecision(2) : Number(km2.toPrecision(3)).toLocaleString('en')) + ' km²',
  percent: p => (p > 0.99 ? '> 99 %' : p < 0.01 ? '< 1 %' : Math.round(100 * p) + ' %'),
  place: (lat, lon) => Math.abs(lat).toFixed(4) + '° ' + (lat < 0 ? 'S' : 'N') + ', ' + Math.abs(lon).toFixed(4) + '° ' + (lon < 0 ? 'W' : 'E'),
};

// An element with attributes and children (text or elements): nothing is ever parsed as HTML.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// How sure an answer is, and its areas, as a table.
function sureTable(answer) {
  const body = make('tbody');
  for (const [km, p] of Object.entries(answer.estimate.within_km)) {
    const bar = make('span', {class: 'bar', 'aria-hidden': 'true'});
    bar.style.width = Math.round(80 * p) + 'px';
    body.append(make('tr', {}, make('th', {scope: 'row'}, 'within ' + km + ' km'), make('td', {class: 'n'}, Words.percent(p)), make('td', {}, bar)));
  }
  return make('div', {class: 'scroll'}, make('table', {}, make('caption', {}, 'How sure'), body));
}

// What is to be seen of an answer: the first candidates, and the circle that holds one half. A guess is so shown on a map of the
// whole Earth, and not as the one place that it names.
function placesOf(answer) {
  const places = answer.candidates.slice(0, 5), e = answer.estimate;
  if (!e) return places;
  const north = e.confidence_km / 111.2, east = north / Math.max(0.1, Math.cos(e.lat * Math.PI / 180));
  const within = (value, most) => Math.max(-most, Math.min(most, value));
  const corners = [-1, 1].map(s => ({lat: within(e.lat + s * north, 80), lon: within(e.lon + s * east, 180)}));
  return places.concat([e], corners);
}

// The layers of an answer: heat, candidates, the answer and the radius of one half.
function answerLayers(answer) {
  const points = answer.candidates.map(c => ({lat: c.lat, lon: c.lon, colour: 'candidate', r: 4.5})).reverse();
  const e = answer.estimate;
  if (e) points.push({lat: e.lat, lon: e.lon, shape: 'cross'});
  return {heat: heatOf(answer.cells || []), points, circle: e ? {lat: e.lat, lon: e.lon, km: e.confidence_km} : null};
}

function factsOf(answer) {
  const list = [];
  const e = answer.estimate;
  if (!e) return [make('p', {}, 'No place was found for this photo.')];
  list.push(make('p', {class: 'sure'}, answer.sure));
  list.push(make('p', {}, answer.place + ': ' + Words.place(e.lat, e.lon) + '. Half of the probability lies within ' + Words.km(e.confidence_km) + '.'));
  if (answer.areas) list.push(make('p', {}, 'Smallest areas: ' + answer.areas.map(a => Words.percent(a.share) + ' in ' + Words.km2(a.km2) + ', up to ' + Number(a.reach_km.toPrecision(3)).toLocaleString('en') + ' km from there').join('; ') + '.'));
  list.push(sureTable(answer));
  return list;
}
