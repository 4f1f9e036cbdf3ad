/** The instant as every file of the lake spells it: ISO 8601 in UTC to the second, fractions cut off. */
export function utcSecond(instant: Date | number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}
