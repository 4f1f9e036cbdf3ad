/** A test for a pattern in which `*` stands for any characters, none included, and `?` for exactly one. */
export function wildcard(pattern: string, flags: '' | 'i' = ''): (text: string) => boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|/-]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  const expression = new RegExp(`^${source}$`, flags);
  return (text) => expression.test(text);
}
