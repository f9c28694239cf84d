/** Periods and where a range of time begins. Source: GetMetricStatistics and GetMetricData, StartTime and Period. */

const SHORT_PERIODS = [1, 5, 10, 20, 30];
const DAY_MS = 86_400_000;

/** @param period seconds; the complaint, or undefined when it is fine */
export function checkPeriod(period: number): string | undefined {
  if (SHORT_PERIODS.includes(period) || (period >= 60 && period % 60 === 0)) return undefined;
  return `Invalid value ${period} for parameter Period: expected 1, 5, 10, 20, 30 or a multiple of 60.`;
}

/** Start of the first period: rounded down to what data of that age is kept in. */
export function roundStart(startAt: number, periodSeconds: number, now: number): number {
  const age = now - startAt;
  const grain = periodSeconds < 60 ? periodSeconds : age < 15 * DAY_MS ? 60 : age < 63 * DAY_MS ? 300 : 3_600;
  const rounded = startAt - (startAt % (grain * 1000));
  // Points are stamped with the start of their period, so the first one may begin before the range.
  return rounded - (rounded % (periodSeconds * 1000));
}
