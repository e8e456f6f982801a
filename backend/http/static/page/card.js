// The card over the map: what was tapped.
import { feedLink } from "./cases.js";
import { element } from "./elements.js";
import { pointText } from "./points.js";
import { indicatorList } from "./ranking.js";
import { dayName, isDone, scoreText } from "./words.js";

const MOST = 6;

function card(title, ...content) {
  const close = element("button", { type: "button", class: "close", "data-close": "", "aria-label": "关闭" }, "×");
  return element("div", {}, element("div", { class: "card-head" }, element("h3", {}, title), close), ...content);
}

export function showCase(items) {
  const entries = items
    .slice(0, MOST)
    .map((item) =>
      element(
        "li",
        {},
        element("b", {}, item.category.name),
        element("span", { class: isDone(item.status) ? "badge done" : "badge open" }, item.status_name),
        element("span", { class: "hint" }, dayName(item.day)),
      ),
    );
  const rest = items.length > MOST ? element("p", { class: "hint" }, `另有 ${items.length - MOST} 件`) : null;
  return card(
    `${items[0].village.name} · ${items.length} 件事项`,
    element("ul", { class: "plain" }, ...entries),
    rest,
    element("p", { class: "hint" }, "地点为所在网格的中心，不是事发的确切位置。"),
  );
}

export const showPoint = (point) => card(point.name, pointText(point, null));

export function showVillage({ code, name, ranked, cases, points }) {
  const rank = ranked ? `第 ${ranked.rank ?? "—"} 名 · ${scoreText(ranked.score)} 分` : "暂无排名";
  const open = cases.filter(({ status }) => !isDone(status)).length;
  const counts = `最近公开事项 ${cases.length} 件（办理中 ${open} 件） · 党群服务点 ${points.length} 处`;
  return card(
    name,
    element("p", { class: "big" }, rank),
    ranked ? indicatorList(ranked) : null,
    element("p", { class: "hint" }, counts),
    feedLink(code, "订阅本村（社区）事项（Atom）"),
  );
}
