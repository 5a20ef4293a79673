// Exact decimals as text: what the page shows and compares is never a floating point number. Pure.

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A decimal text as {units, scale}: units / 10^scale. Null for anything else. */
export function parse(text) {
  const found = DECIMAL.exec(String(text ?? ""));
  if (!found) return null;
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  if (Math.abs(Number(exponent)) > 1000) return null;
  let units = BigInt(sign + whole + fraction);
  let scale = fraction.length - Number(exponent);
  if (scale < 0) {
    units *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { units, scale };
}

/** The decimal as plain text, without exponent and with all of its digits. */
export function plain({ units, scale }) {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const cut = digits.length - scale;
  return sign + digits.slice(0, cut) + (scale ? `.${digits.slice(cut)}` : "");
}

function level(a, b) {
  const scale = Math.max(a.scale, b.scale);
  return [
    a.units * 10n ** BigInt(scale - a.scale),
    b.units * 10n ** BigInt(scale - b.scale),
    scale,
  ];
}

/** a - b as text; null where either is no decimal. */
export function subtract(a, b) {
  const [left, right] = [parse(a), parse(b)];
  if (!left || !right) return null;
  const [x, y, scale] = level(left, right);
  return plain({ units: x - y, scale });
}

/** -1, 0 or 1. What is unknown comes after all that is known. */
export function compare(a, b) {
  const [left, right] = [parse(a), parse(b)];
  if (!left || !right) return left ? -1 : right ? 1 : 0;
  const [x, y] = level(left, right);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** -1, 0 or 1; null for what is no decimal. */
export function sign(a) {
  const found = parse(a);
  return found && (found.units < 0n ? -1 : found.units > 0n ? 1 : 0);
}

/** Rounded down (towards less) to so many decimals: no limit is shown as reached before it is. */
export function floor(text, decimals) {
  const found = parse(text);
  if (!found) return null;
  const { units, scale } = found;
  if (scale <= decimals)
    return plain({ units: units * 10n ** BigInt(decimals - scale), scale: decimals });
  const unit = 10n ** BigInt(scale - decimals);
  const down = units / unit - (units < 0n && units % unit !== 0n ? 1n : 0n);
  return plain({ units: down, scale: decimals });
}
