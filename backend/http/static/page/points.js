// Service points in words, by village: what the map shows, for those who cannot see or use it.
import { element } from "./elements.js";
import { KINDS, SERVICES } from "./words.js";

export function showPoints(features, villageName) {
  if (!features.length) return element("p", { class: "state" }, "还没有登记党群服务点。");
  const villages = new Map();
  for (const { properties } of features) {
    const code = properties.area_code.slice(0, 12);
    villages.set(code, [...(villages.get(code) ?? []), properties]);
  }
  const open = features.filter(({ properties }) => properties.open_now).length;
  const groups = [...villages].sort().map(([code, points]) => group(villageName(code) ?? code, points));
  return element(
    "div",
    {},
    element("p", { class: "hint" }, `共 ${features.length} 处，此刻开放 ${open} 处。点开村（社区）查看。`),
    element("div", { class: "groups" }, ...groups),
  );
}

function group(name, points) {
  const summary = element("summary", {}, name, element("span", { class: "hint" }, `${points.length} 处`));
  return element(
    "details",
    {},
    summary,
    element("ul", {}, ...points.map((point) => element("li", {}, pointText(point)))),
  );
}

export function pointText(point, name = element("b", {}, point.name)) {
  const services = point.services.map((service) => SERVICES[service] ?? service).join("、");
  const facts = [
    KINDS[point.kind] ?? point.kind,
    point.star ? `${"★".repeat(point.star)}` : null,
    point.accessible ? "无障碍" : null,
  ].filter(Boolean);
  const open = element(
    "span",
    { class: point.open_now ? "badge done" : "badge flag" },
    point.open_now ? "开放中" : "未开放",
  );
  return element(
    "div",
    { class: "point" },
    name,
    open,
    element("span", { class: "hint" }, facts.join(" · ")),
    element("span", {}, point.address),
    services ? element("span", {}, services) : null,
  );
}
