const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 7],
];

/** A short age such as `now`, `5m`, `3h` or `2d`; a date from a week on. `now` in ms. */
export function ago(date: string, now: number, locale?: string): string {
  const then = Date.parse(date);
  let n = Math.max(0, Math.round((now - then) / 1000));
  if (n < 5) return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(0, 'second');
  for (const [unit, size] of units) {
    if (n < size) return short(n, unit, locale);
    n = Math.floor(n / size);
  }
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    year: sameYear ? undefined : 'numeric',
  }).format(then);
}

function short(n: number, unit: string, locale?: string): string {
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow' }).format(n);
}

/** Time left until a date, in words such as `in 3 hours`. */
export function until(date: string, now: number, locale?: string): string {
  const seconds = (Date.parse(date) - now) / 1000;
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'always' });
  if (seconds < 3600) return words.format(Math.max(1, Math.round(seconds / 60)), 'minute');
  if (seconds < 48 * 3600) return words.format(Math.round(seconds / 3600), 'hour');
  return words.format(Math.round(seconds / 86400), 'day');
}

/** Date and time in full. */
export function exact(date: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(Date.parse(date));
}

/** A number in few letters: 950, 1.2K, 3M. */
export function compact(n: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(n);
}
