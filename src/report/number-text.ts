/** @file Numbers as people read them: rounded, grouped, and never "-0". */

/** `value` with `digits` decimals; a value that rounds to zero has no sign. */
export function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** A coordinate of a drawing: at most two decimals, no trailing zeros. */
export function coordinate(value: number): string {
  return String(Number(fixed(value, 2)));
}

/** A fraction of 1 as percent without the sign: 0.968 is "96.8". */
export function percent(fraction: number, digits = 1): string {
  return fixed(fraction * 100, digits);
}

/** A difference of fractions in points, with its sign: +3.2, −0.4, 0.0. */
export function points(difference: number): string {
  const text = percent(difference);
  if (Number(text) === 0) return text;
  return text.startsWith("-") ? `−${text.slice(1)}` : `+${text}`;
}

/** An integer with thousands grouped: 12,345. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A p value: three decimals, or a bound where that would say 0. */
export function pValue(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p < 0.001 ? fixed(p, 4) : fixed(p, 3);
}

/** A duration in seconds: 42 s, 3 min 20 s, 1 h 04 min. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** A byte count in decimal units: 3.3 MB. */
export function byteSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : fixed(value, 1)} ${units[unit]!}`;
}

/** A number with two significant digits, and all its whole ones: 0.012, 1.2e-5, 1,234. */
export function smallNumber(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 100) return count(value);
  return size >= 0.001 ? String(Number(value.toPrecision(2))) : value.toExponential(1);
}
