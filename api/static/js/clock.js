// The time as the server has it. Ages and snoozes are right even if this computer's clock is wrong.

const TOLERATED_MS = 2000; // a Date header has no fractions, and answers take their time

let aheadMs = 0; // by how much this computer's clock is ahead of the server's

/** Milliseconds since 1970, by the server's clock. */
export const serverNow = () => Date.now() - aheadMs;

/** An answer said what time it is: somewhere between when it was asked for and when it came. */
export function heard(date, askedAt) {
  const at = Date.parse(date ?? "");
  if (Number.isNaN(at)) return;
  const late = askedAt - at;
  const early = Date.now() - at;
  aheadMs = late > TOLERATED_MS ? late : early < -TOLERATED_MS ? early : 0;
}
