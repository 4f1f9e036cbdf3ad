/**
 * Object keys as relative paths of plain files. An ordinary key is its own path; whatever a file system would
 * take otherwise is percent-encoded (`..` is `%2E%2E`, an empty part `%`), so that no key leaves its bucket's
 * directory and each path stands for one key.
 */
export function pathOfKey(key: string): string {
  return key.split('/').map(encodePart).join('/');
}

/** Inverse of `pathOfKey` for one part of a path. */
export function keyPartOfName(name: string): string {
  return name === '%'
    ? ''
    : name.replace(/%(25|2E|00)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function encodePart(part: string): string {
  switch (part) {
    case '':
      return '%';
    case '.':
      return '%2E';
    case '..':
      return '%2E%2E';
    default:
      return part.replaceAll('%', '%25').replaceAll('\0', '%00');
  }
}

/** Order of the UTF-8 bytes, which is S3's; JavaScript's own is by UTF-16 units and differs beyond U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const beyond = Number(isSurrogate(x)) - Number(isSurrogate(y));
      return beyond === 0 ? x - y : beyond;
    }
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
