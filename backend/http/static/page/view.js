// Moving and zooming a map by mouse, touch, wheel and keys. It knows nothing of what the map shows.
const MOST = 24;
const STEP = 1.6;
const STILL = 5; // pixels a finger may move in a tap

export function moveable(area, { onChange, onTap }) {
  const view = { k: 1, x: 0, y: 0 };
  const pointers = new Map();
  let travelled = 0;

  function settle() {
    const { clientWidth: width, clientHeight: height } = area;
    view.k = Math.min(MOST, Math.max(1, view.k));
    view.x = Math.min(0, Math.max(width * (1 - view.k), view.x));
    view.y = Math.min(0, Math.max(height * (1 - view.k), view.y));
    // With the whole town in sight a finger scrolls the page; closer up it moves the map.
    area.style.touchAction = view.k > 1 ? "none" : "pan-y";
    onChange(view);
  }

  function zoomAt(factor, x, y) {
    const k = Math.min(MOST, Math.max(1, view.k * factor));
    view.x = x - ((x - view.x) * k) / view.k;
    view.y = y - ((y - view.y) * k) / view.k;
    view.k = k;
    settle();
  }

  const middle = () => [area.clientWidth / 2, area.clientHeight / 2];
  const place = (event) => {
    const box = area.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  function zoom(how) {
    if (how === "reset") Object.assign(view, { k: 1, x: 0, y: 0 });
    zoomAt(how === "in" ? STEP : how === "out" ? 1 / STEP : 1, ...middle());
  }

  function move(dx, dy) {
    view.x += dx;
    view.y += dy;
    settle();
  }

  area.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, place(event));
  });

  area.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    pointers.set(event.pointerId, now);
    if (travelled > STILL && !area.hasPointerCapture(event.pointerId)) area.setPointerCapture(event.pointerId);
    if (other) {
      const apart = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
      travelled = Infinity;
      zoomAt(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (view.k > 1 && travelled > STILL) {
      move(now[0] - before[0], now[1] - before[1]);
    }
  });

  area.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && travelled <= STILL) onTap(...place(event), event);
  });
  area.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  // Two fingers are for the map, even where one scrolls the page.
  area.addEventListener("touchmove", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });

  area.addEventListener("dblclick", (event) => zoomAt(STEP, ...place(event)));
  area.addEventListener(
    "wheel",
    (event) => {
      // Until someone has turned to the map, the wheel scrolls the page past it.
      if (!event.ctrlKey && view.k === 1 && document.activeElement !== area) return;
      event.preventDefault();
      zoomAt(Math.exp(-event.deltaY / (event.deltaMode ? 20 : 400)), ...place(event));
    },
    { passive: false },
  );

  const keys = {
    "+": () => zoom("in"),
    "=": () => zoom("in"),
    "-": () => zoom("out"),
    0: () => zoom("reset"),
    ArrowLeft: () => move(60, 0),
    ArrowRight: () => move(-60, 0),
    ArrowUp: () => move(0, 60),
    ArrowDown: () => move(0, -60),
  };
  area.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act || (event.key.startsWith("Arrow") && view.k === 1)) return;
    event.preventDefault();
    act();
  });
  new ResizeObserver(settle).observe(area);
  return { zoom, settle };
}
