// From degrees to the flat map: at a town's size a plain projection that keeps lengths equal both ways will do.
const UNITS = 10000;

export function projection(town) {
  const corners = rings(town.geometry).flat();
  const [west, east] = extent(corners.map(([lon]) => lon));
  const [south, north] = extent(corners.map(([, lat]) => lat));
  const narrowing = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const project = ([lon, lat]) => [(lon - west) * narrowing * UNITS, (north - lat) * UNITS];
  const [width, height] = project([east, south]);
  return { project, width, height };
}

const extent = (values) => [Math.min(...values), Math.max(...values)];

function rings(geometry) {
  if (!geometry) return [];
  return geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat();
}

export function pathOf(geometry, project) {
  const flat = (point) =>
    project(point)
      .map((value) => value.toFixed(2))
      .join(" ");
  return rings(geometry)
    .map((ring) => `M${ring.map(flat).join("L")}Z`)
    .join("");
}

// The middle of the largest ring, weighted by area.
export function centreOf(geometry, project) {
  let best = { size: 0, at: [0, 0] };
  for (const ring of rings(geometry)) {
    const points = ring.map(project);
    let [area, x, y] = [0, 0, 0];
    for (let i = 0; i < points.length - 1; i += 1) {
      const [[ax, ay], [bx, by]] = [points[i], points[i + 1]];
      const cross = ax * by - bx * ay;
      area += cross;
      x += (ax + bx) * cross;
      y += (ay + by) * cross;
    }
    if (Math.abs(area) > best.size) best = { size: Math.abs(area), at: [x / (3 * area), y / (3 * area)] };
  }
  return best.at;
}

// How far up and down from a point inside it an area reaches.
export function roomAround([x, y], geometry, project) {
  const crossings = [];
  for (const ring of rings(geometry)) {
    const points = ring.map(project);
    for (let i = 0; i < points.length - 1; i += 1) {
      const [[ax, ay], [bx, by]] = [points[i], points[i + 1]];
      if (ax <= x !== bx <= x) crossings.push(ay + ((x - ax) / (bx - ax)) * (by - ay));
    }
  }
  const up = Math.min(...crossings.filter((at) => at <= y).map((at) => y - at));
  const down = Math.min(...crossings.filter((at) => at >= y).map((at) => at - y));
  return [Number.isFinite(up) ? up : 0, Number.isFinite(down) ? down : 0];
}

// A tint for each area such that neighbours differ: the first one that no neighbour has yet.
export function tints(areas) {
  const owners = new Map();
  const neighbours = areas.map(() => new Set());
  areas.forEach((area, index) => {
    for (const point of rings(area.geometry).flat()) {
      const key = point.join();
      for (const other of owners.get(key) ?? []) {
        neighbours[index].add(other);
        neighbours[other].add(index);
      }
      owners.set(key, [...(owners.get(key) ?? []), index]);
    }
  });
  const chosen = [];
  areas.forEach((_area, index) => {
    const taken = new Set([...neighbours[index]].map((other) => chosen[other]));
    let tint = 0;
    while (taken.has(tint)) tint += 1;
    chosen[index] = tint;
  });
  return chosen;
}
