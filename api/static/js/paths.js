// Prices over time as lines of an SVG: prices hold until they change, and what is unknown is a gap. Pure.
//
// Coordinates are the one place where prices are floating point numbers: a pixel needs no more.

const number = (text) => (text === null || text === undefined ? null : Number(text));

/** The lowest and highest value of these fields, with some air; null when nothing is known. */
export function extent(points, fields, air = 0.08) {
  const known = points
    .flatMap((point) => fields.map((field) => number(point[field])))
    .filter((v) => v !== null);
  if (!known.length) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = (high - low || Math.abs(high) * 0.02 || 1) * air;
  return [low - room, high + room];
}

/** A scale from a range of values to a range of pixels. */
export function scale([from, to], [first, last]) {
  const factor = to === from ? 0 : (last - first) / (to - from);
  return (value) => Math.round((first + (value - from) * factor) * 10) / 10;
}

/**
 * The path of one field as steps, each value up to the next point and the last one up to `end`.
 * `x` takes milliseconds, `y` a price.
 */
export function steps(points, field, x, y, end) {
  let path = "";
  let drawing = false;
  points.forEach((point, place) => {
    const value = number(point[field]);
    const at = Date.parse(point.event_time);
    const next = place + 1 < points.length ? Date.parse(points[place + 1].event_time) : end;
    if (value === null) {
      drawing = false;
      return;
    }
    path += drawing ? `V${y(value)}` : `M${x(at)} ${y(value)}`;
    path += `H${x(Math.max(at, next))}`;
    drawing = true;
  });
  return path;
}

/** Stretches of time in which a field had the same value: [{from, to, value}]. */
export function stretches(points, field, end) {
  const found = [];
  points.forEach((point, place) => {
    const from = Date.parse(point.event_time);
    const to = place + 1 < points.length ? Date.parse(points[place + 1].event_time) : end;
    const last = found.at(-1);
    if (last && last.value === point[field]) last.to = to;
    else found.push({ from, to, value: point[field] });
  });
  return found;
}

/** Round numbers inside a range, `about` as many as that. */
export function ticks([from, to], about) {
  const rough = (to - from) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((one) => one >= rough) ?? rough;
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to; n += 1)
    found.push(Number((n * step).toPrecision(12)));
  return found;
}

/** The point that held at a moment; null before the first. */
export function pointAt(points, at) {
  let held = null;
  for (const point of points) {
    if (Date.parse(point.event_time) > at) break;
    held = point;
  }
  return held;
}

/** The first and the last known value of a field; null when none is. */
export function ends(points, field) {
  const known = points
    .map((point) => point[field])
    .filter((value) => value !== null && value !== undefined);
  return known.length ? [known[0], known.at(-1)] : null;
}
