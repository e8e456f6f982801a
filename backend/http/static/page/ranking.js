// The ranking as a table: each village's bar is made of the points its indicators gave.
import { element } from "./elements.js";
import { indicatorTitle, oneDecimal, periodName, scoreText } from "./words.js";

const FLAGS = { incomplete: "指标不全", unranked: "未排名" };
const percent = (value) => (value === null ? "无数据" : `${oneDecimal(value, 2)}%`);

export function showRanking({ run, items }, onSelect) {
  const titles = items[0]?.indicators.map(indicatorTitle) ?? [];
  const rows = items.map((village) => line(village, onSelect));
  const table = element(
    "table",
    { class: "ranking" },
    element("caption", { class: "unseen" }, `${periodName(run.period)}村（社区）排名，按得分从高到低`),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...["名次", "村（社区）", "得分（满分 100）"].map((title) => element("th", { scope: "col" }, title)),
      ),
    ),
    element("tbody", {}, ...rows.flat()),
  );
  return element("div", {}, heading(run), key(titles), table);
}

function heading(run) {
  const mark = run.provisional
    ? element("span", { class: "badge provisional" }, "暂定，时段未结束")
    : run.status === "published"
      ? element("span", { class: "badge published" }, "已公布")
      : element("span", { class: "badge provisional" }, "未公布");
  const day = run.published_at ? ` · ${run.published_at.slice(0, 10)} 公布` : "";
  return element(
    "p",
    { class: "run" },
    element("strong", {}, periodName(run.period)),
    mark,
    element("span", { class: "hint" }, `规则 ${run.rule_set}${day}`),
  );
}

function key(titles) {
  const entries = titles.map((title, index) =>
    element("li", {}, element("span", { class: `swatch part-${index}`, "aria-hidden": "true" }), title),
  );
  return element("ul", { class: "key", "aria-label": "得分由以下指标构成" }, ...entries);
}

function line(village, onSelect) {
  const id = `village-${village.code}`;
  const name = element("button", { type: "button", "aria-expanded": "false", "aria-controls": id }, village.name);
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  village.indicators.forEach((indicator, index) => {
    const part = element("i", { class: `part-${index}` });
    part.style.width = `${Math.max(0, indicator.points ?? 0)}%`;
    bar.append(part);
  });
  const flags = village.flags.map((flag) => element("span", { class: "badge flag" }, FLAGS[flag] ?? flag));
  const score = element("span", { class: "score" }, scoreText(village.score));
  const rank = element(
    "td",
    { class: village.rank !== null && village.rank <= 3 ? "rank first" : "rank" },
    element("span", {}, village.rank === null ? "—" : String(village.rank)),
  );
  const row = element(
    "tr",
    {},
    rank,
    element("th", { scope: "row" }, name, ...flags),
    element("td", {}, element("span", { class: "total" }, bar, score)),
  );
  const more = element(
    "tr",
    { class: "more", id, hidden: "" },
    element("td", { colspan: "3" }, indicatorList(village)),
  );
  name.addEventListener("click", () => {
    more.hidden = !more.hidden;
    name.setAttribute("aria-expanded", String(!more.hidden));
    onSelect(more.hidden ? null : village.code);
  });
  return [row, more];
}

export function indicatorList(village) {
  const entries = village.indicators.map((indicator, index) => {
    const counts = indicator.numerator === null ? "" : `（${indicator.numerator}/${indicator.exposure}）`;
    const points = indicator.points === null ? "未计分" : `${oneDecimal(indicator.points)} 分`;
    return element(
      "li",
      {},
      element("span", { class: `swatch part-${index}`, "aria-hidden": "true" }),
      `${indicatorTitle(indicator)} `,
      element("b", {}, `${percent(indicator.value)}${counts}`),
      ` · ${points}`,
    );
  });
  return element("ul", { class: "indicators" }, ...entries);
}
