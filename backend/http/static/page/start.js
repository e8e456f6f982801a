// Loads what the page shows, each part on its own: one that fails says so and offers to try again.
import { feedLink, showCases } from "./cases.js";
import { drawMap } from "./map.js";
import { element } from "./elements.js";
import { showPoints } from "./points.js";
import { showRanking } from "./ranking.js";

const map = drawMap(document.getElementById("map-area"), document.getElementById("card"));
const figures = new Map();

async function read(address, none) {
  const answer = await fetch(address, { headers: { Accept: "application/json", "Accept-Language": "zh-CN" } });
  if (answer.status === 404 && none !== undefined) return none;
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

async function fill(place, load, after = () => {}) {
  place.replaceChildren(element("p", { class: "state", role: "status" }, "正在加载…"));
  place.setAttribute("aria-busy", "true");
  try {
    const content = await load();
    if (content) place.replaceChildren(content);
    else place.querySelector(".state")?.remove();
  } catch (error) {
    console.error(error);
    const again = element("button", { type: "button", class: "again" }, "重试");
    again.addEventListener("click", () => fill(place, load, after));
    place.replaceChildren(
      element("p", { class: "state failed", role: "alert" }, "暂时加载不了，请检查网络后重试。", again),
    );
  } finally {
    place.removeAttribute("aria-busy");
    after();
  }
}

function figure(name, number) {
  figures.set(name, number);
  const order = ["村（社区）", "网格", "党群服务点"].filter((known) => figures.get(known));
  const list = document.getElementById("figures");
  list.replaceChildren(
    ...order.map((known) =>
      element("div", {}, element("dt", {}, known), element("dd", {}, String(figures.get(known)))),
    ),
  );
  list.hidden = false;
}

async function loadMap() {
  const town = (await read("/api/v1/areas.geojson")).features[0];
  if (!town) return element("p", { class: "state" }, "还没有登记城镇。管理员可用 flask --app wsgi territory import 导入边界。");
  const parts = (level) => read(`/api/v1/areas.geojson?parent=${town.properties.code}&level=${level}`);
  const [villages, grids] = await Promise.all([parts("village"), parts("grid")]);
  const drawn = [town, ...villages.features, ...grids.features];
  document.getElementById("demonstration").hidden = !drawn.some((area) => area.properties.demonstration);
  document.getElementById("map-title").textContent = `${town.properties.name}地图`;
  document.title = `九江网格 · ${town.properties.name}`;
  figure("村（社区）", villages.features.length);
  figure("网格", grids.features.length);
  document.getElementById("feed").replaceChildren(feedLink(town.properties.code, "订阅全镇（Atom）"));
  map.setAreas(town, villages.features, grids.features);
  return villages.features.length ? null : element("p", { class: "state" }, "还没有导入村（社区）边界。");
}

async function loadRanking() {
  const ranking = await read("/api/v1/rewards/runs/latest/ranking?limit=100", null);
  if (!ranking) return element("p", { class: "state" }, "还没有公布的排名。");
  map.setRanking(ranking.items);
  return showRanking(ranking, (code) => map.selectVillage(code));
}

async function loadCases() {
  const { items, next_cursor: more } = await read("/api/v1/public/cases?limit=100");
  document.getElementById("cases-hint").textContent = more ? `（最近 ${items.length} 件）` : "";
  const newest = [...items].sort((a, b) => b.day.localeCompare(a.day)); // of one day: as given
  map.setCases(newest);
  return showCases(newest);
}

async function loadPoints() {
  const { features } = await read("/api/v1/partymap/points.geojson");
  figure("党群服务点", features.length);
  map.setPoints(features);
  return showPoints(features, (code) => map.villageName(code));
}

const content = (id) => document.querySelector(`#${id} .content`);
const state = element("div", { class: "map-state" });
document.querySelector(".map-frame").append(state);
// The lists of points are headed by villages' names, which come with the map.
fill(state, loadMap, () => fill(content("points"), loadPoints));
fill(content("ranking"), loadRanking);
fill(content("cases"), loadCases);

document
  .getElementById("legend")
  .addEventListener("change", ({ target }) => map.showLayer(target.dataset.layer, target.checked));
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => map.zoom(button.dataset.zoom));
}
