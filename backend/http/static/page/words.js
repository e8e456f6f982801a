// The screen's words for codes that the API gives without a name.
export const KINDS = {
  town_centre: "镇党群服务中心",
  village_centre: "村（社区）党群服务中心",
  point: "党群服务点",
  training_ground: "培训阵地",
  shared_room: "共享空间",
};

export const SERVICES = {
  government_errands: "政务代办",
  council_room: "议事厅",
  library: "图书",
  children: "儿童",
  elderly: "长者",
  mediation: "调解",
  volunteering: "志愿服务",
  party_class: "党课",
};

const DONE = new Set(["closed", "declined"]);

export const isDone = (status) => DONE.has(status);

export function periodName(period) {
  const [year, part] = period.split("-");
  if (!part) return `${year}年`;
  return part.startsWith("Q") ? `${year}年第${"一二三四"[part[1] - 1]}季度` : `${year}年${Number(part)}月`;
}

export function dayName(day) {
  const [year, month, date] = day.split("-").map(Number);
  return year === new Date().getFullYear() ? `${month}月${date}日` : `${year}年${month}月${date}日`;
}

// A bar that grows with points must not read as if most rework won.
const PLUS_TITLES = { rework: "返工率（越低越好）" };

export const indicatorTitle = ({ indicator, title }) => PLUS_TITLES[indicator] ?? title;

// To one decimal, half up by the decimals given: 92.35 is 92.4, though no binary number is exactly 92.35. `shift` powers
// of ten more make a share a percentage.
export const oneDecimal = (value, shift = 0) =>
  (Math.round(Number(`${value}e${shift + 1}`)) / 10).toFixed(1);

export const scoreText = (score) => (score === null ? "—" : oneDecimal(score));
