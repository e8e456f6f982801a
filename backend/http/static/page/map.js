// The town's map: villages and grids as outlines, public cases and service points as marks of a steady size.
import { showCase, showPoint, showVillage } from "./card.js";
import { shape } from "./elements.js";
import { centreOf, pathOf, projection, roomAround, tints } from "./geometry.js";
import { isDone } from "./words.js";
import { moveable } from "./view.js";

const MARGIN = 14;
const GRID_NAMES_FROM = 4;
const NAMES_OVER_MARKS_FROM = 2;
const STAR = "M0-9 2.1-2.9 8.6-2.8 3.4 1.1 5.3 7.3 0 3.6-5.3 7.3-3.4 1.1-8.6-2.8-2.1-2.9Z";
const SHIFTS = [0, -13, 13, -22, 22];

const around = (x, y, dx, dy) => [x - dx, y - dy, x + dx, y + dy];
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

export function drawMap(area, card) {
  const layers = Object.fromEntries(
    ["villages", "grids", "town", "cases", "points", "names"].map((name) => [name, shape("g", { class: name })]),
  );
  const shapes = shape("g", {}, layers.villages, layers.grids, layers.town);
  area.append(shape("svg", { "aria-hidden": "true" }, shapes, layers.points, layers.cases, layers.names));
  const shown = { cases: true, points: true, grids: true, scores: false };
  const held = { flat: null, villages: new Map(), names: [], marks: [], cases: [], points: [], ranking: new Map() };
  const moving = moveable(area, { onChange: place, onTap: tap });
  let selected = null;

  // Everything that has a steady size on the screen is put in its place anew.
  function place(view) {
    if (!held.flat) return;
    const { clientWidth: width, clientHeight: height } = area;
    const fit = Math.min((width - 2 * MARGIN) / held.flat.width, (height - 2 * MARGIN) / held.flat.height);
    const [left, top] = [(width - held.flat.width * fit) / 2, (height - held.flat.height * fit) / 2];
    const scale = fit * view.k;
    const toScreen = ([x, y]) => [x * scale + left * view.k + view.x, y * scale + top * view.k + view.y];
    shapes.setAttribute("transform", `translate(${toScreen([0, 0]).join(" ")}) scale(${scale})`);
    const size = Math.min(1.25, Math.max(0.7, (width / 900) * Math.sqrt(view.k)));
    for (const mark of held.marks) {
      mark.screen = toScreen(mark.at);
      mark.drawn.setAttribute("transform", `translate(${mark.screen.join(" ")}) scale(${size})`);
    }
    placeNames(toScreen, scale, view.k, size);
  }

  // A name goes where it hides the fewest marks; one that would cover another name, or on a phone a mark, waits until
  // the map is closer.
  function placeNames(toScreen, scale, k, size) {
    const narrow = area.clientWidth < 500;
    const letter = narrow ? 10 : 12;
    const marks = held.marks
      .filter(({ layer }) => shown[layer])
      .map(({ screen: [x, y] }) => around(x, y, 7 * size, 7 * size));
    const taken = [];
    for (const name of held.names) {
      const [x, y] = toScreen(name.at);
      const box = (shift) => around(x, y + shift, (name.text.length * letter) / 2 + 1, letter * 0.65);
      const cost = (shift) => marks.filter((mark) => overlap(mark, box(shift))).length;
      const inside = (shift) => shift === 0 || Math.abs(shift) + letter / 2 <= name.room[shift < 0 ? 0 : 1] * scale;
      const free = SHIFTS.filter((shift) => inside(shift) && !taken.some((other) => overlap(other, box(shift))));
      const best = free.reduce((chosen, shift) => (cost(shift) < cost(chosen) ? shift : chosen), free[0]);
      const hides = narrow && k < NAMES_OVER_MARKS_FROM && best !== undefined && cost(best) > 0;
      const wanted = best !== undefined && !hides && (name.level === "village" || (k >= GRID_NAMES_FROM && shown.grids));
      if (wanted) taken.push(box(best));
      name.drawn.setAttribute("visibility", wanted ? "visible" : "hidden");
      if (wanted) name.drawn.setAttribute("transform", `translate(${x} ${y + best})`);
    }
  }

  function setAreas(town, villages, grids) {
    held.flat = projection(town);
    const { project } = held.flat;
    const outline = (feature, style) =>
      shape("path", { d: pathOf(feature.geometry, project), class: style, "data-code": feature.properties.code });
    const tint = tints(villages);
    held.villages = new Map(
      villages.map((village, index) => [
        village.properties.code,
        { name: village.properties.name, tint: tint[index], drawn: outline(village, "") },
      ]),
    );
    layers.villages.replaceChildren(...[...held.villages.values()].map(({ drawn }) => drawn));
    layers.grids.replaceChildren(...grids.map((grid) => outline(grid, "")));
    layers.town.replaceChildren(outline(town, ""));
    const villageNames = villages.map((village) => nameAt(village, village.properties.name, "village"));
    const gridNames = grids.map((grid) =>
      nameAt(grid, grid.properties.name.replace(villageName(grid.properties.parent_code), ""), "grid"),
    );
    held.names = [...villageNames, ...gridNames];
    layers.names.replaceChildren(...held.names.map(({ drawn }) => drawn));
    setMarks();
  }

  function nameAt(feature, text, level) {
    const { geometry } = feature;
    const at = centreOf(geometry, held.flat.project);
    return {
      at,
      room: roomAround(at, geometry, held.flat.project),
      text,
      level,
      drawn: shape("text", { class: level }, text),
    };
  }

  function setMarks() {
    if (!held.flat) return;
    const at = ([lon, lat]) => held.flat.project([lon, lat]);
    const points = held.points.map((feature) => ({
      layer: "points",
      at: at(feature.geometry.coordinates),
      drawn: pointMark(feature),
      show: () => showPoint(feature.properties),
    }));
    const places = new Map();
    for (const item of held.cases) {
      if (item.lon === null) continue;
      const key = `${item.lon} ${item.lat}`;
      places.set(key, [...(places.get(key) ?? []), item]);
    }
    const cases = [...places.values()].map((items) => ({
      layer: "cases",
      at: at([items[0].lon, items[0].lat]),
      drawn: caseMark(items),
      show: () => showCase(items),
    }));
    held.marks = [...points, ...cases];
    layers.points.replaceChildren(...points.map(({ drawn }) => drawn));
    layers.cases.replaceChildren(...cases.map(({ drawn }) => drawn));
    paint();
  }

  function pointMark({ properties }) {
    const size = properties.kind === "town_centre" ? 1.6 : properties.kind === "village_centre" ? 1 : 0.75;
    return shape("g", {}, shape("path", { d: STAR, transform: `scale(${size})` }));
  }

  function caseMark(items) {
    const open = items.some(({ status }) => !isDone(status));
    const radius = 7 + Math.min(4, items.length - 1);
    const number = items.length > 1 ? shape("text", {}, String(items.length)) : null;
    return shape("g", { class: open ? "open" : "done" }, shape("circle", { r: radius }), number);
  }

  function paint() {
    for (const [code, { drawn, tint }] of held.villages) {
      const score = held.ranking.get(code)?.score;
      const colour = !shown.scores
        ? `tint-${tint}`
        : typeof score === "number"
          ? `score-${Math.min(4, Math.floor(score / 20))}`
          : "score-none";
      drawn.setAttribute("class", code === selected ? `${colour} selected` : colour);
      if (code === selected) layers.villages.append(drawn);
    }
    for (const name of ["cases", "points", "grids"])
      layers[name].setAttribute("display", shown[name] ? "inline" : "none");
    moving.settle();
  }

  function tap(x, y, event) {
    const reach = event.pointerType === "mouse" ? 12 : 20;
    const distance = ({ screen }) => Math.hypot(screen[0] - x, screen[1] - y);
    const near = held.marks
      .filter((mark) => shown[mark.layer] && distance(mark) <= reach)
      .sort((a, b) => distance(a) - distance(b));
    if (near.length) return open(near[0].show(), null);
    const code = document.elementFromPoint(event.clientX, event.clientY)?.dataset?.code?.slice(0, 12);
    if (!held.villages.has(code)) return close();
    return open(showVillage(summary(code)), code);
  }

  function summary(code) {
    const within = (mark) => mark.area_code?.startsWith(code) ?? mark.village?.code === code;
    const [cases, points] = [held.cases.filter(within), held.points.filter(({ properties }) => within(properties))];
    return { code, name: villageName(code), ranked: held.ranking.get(code), cases, points };
  }

  function open(content, code) {
    card.replaceChildren(content);
    card.hidden = false;
    selected = code;
    paint();
  }

  function close() {
    card.hidden = true;
    selected = null;
    paint();
  }

  card.addEventListener("click", ({ target }) => target.closest("[data-close]") && (close(), area.focus()));
  area.addEventListener("keydown", ({ key }) => key === "Escape" && close());

  const villageName = (code) => held.villages.get(code)?.name;
  return {
    zoom: moving.zoom,
    villageName,
    setAreas,
    setCases: (items) => (Object.assign(held, { cases: items }), setMarks()),
    setPoints: (features) => (Object.assign(held, { points: features }), setMarks()),
    setRanking: (items) => (
      Object.assign(held, { ranking: new Map(items.map((village) => [village.code, village])) }),
      paint()
    ),
    showLayer: (name, on) => (Object.assign(shown, { [name]: on }), paint()),
    selectVillage: (code) => (code ? Object.assign(card, { hidden: true }) && ((selected = code), paint()) : close()),
  };
}
