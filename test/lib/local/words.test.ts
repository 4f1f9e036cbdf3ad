import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../../lib/local');

it('the local cloud knows no application by name', () => {
  const speaking = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') || name.endsWith('.md'))
    .filter((name) => /garoa|\brain|weather/i.test(readFileSync(join(ROOT, name), 'utf8')));
  expect(speaking).toEqual([]);
});
