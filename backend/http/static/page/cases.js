// The newest public cases, a dozen at a time.
import { element } from "./elements.js";
import { dayName, isDone } from "./words.js";

const DOZEN = 12;

export const feedLink = (code, said) =>
  element("a", { class: "feed", type: "application/atom+xml", href: `/api/v1/public/areas/${code}/feed.atom` }, said);

export function showCases(items) {
  if (!items.length) return element("p", { class: "state" }, "还没有公开的事项。");
  const list = element("ul", { class: "case-list" });
  const more = element("button", { type: "button", class: "again" }, "再看一些");
  const add = () => {
    const from = list.children.length;
    list.append(...items.slice(from, from + DOZEN).map(entry));
    more.hidden = list.children.length >= items.length;
  };
  more.addEventListener("click", () => {
    const next = list.children.length;
    add();
    list.children[next]?.focus();
  });
  add();
  return element("div", {}, list, more);
}

function entry(item) {
  const status = element("span", { class: isDone(item.status) ? "badge done" : "badge open" }, item.status_name);
  const where = element(
    "span",
    { class: "hint" },
    `${item.village.name} · `,
    element("time", { datetime: item.day }, dayName(item.day)),
  );
  const said = item.text ? element("span", { class: "said" }, item.text) : null;
  return element("li", { tabindex: "-1" }, element("div", {}, element("b", {}, item.category.name), where), status, said);
}
