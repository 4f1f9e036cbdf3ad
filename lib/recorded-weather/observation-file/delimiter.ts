/** What parts the cells of a file. */
export type Delimiter = ',' | ';' | '\t';

const NAMES: Readonly<Record<Delimiter, string>> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs' };

/** The mark that is most frequent in the first line, outside of quotes; commas where none is there. */
export function delimiterOf(firstLine: string): Delimiter {
  const bare = firstLine.replace(/"[^"]*"/g, '');
  const count = (mark: Delimiter): number => bare.split(mark).length - 1;
  const other: Delimiter = count(';') >= count('\t') ? ';' : '\t';
  // In a line of values the commas may be decimal.
  return count(other) > 0 && (count(other) >= count(',') || /\d,\d/.test(bare)) ? other : ',';
}

export function nameOf(delimiter: Delimiter): string {
  return NAMES[delimiter];
}
