import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '../lib/project-root';

/** What every function of `lambdas/` may use. */
const SHARED = ['lambdas/settings', 'lambdas/model', 'lambdas/lake', 'lambdas/weather', 'lambdas/runtime'];

/**
 * Who imports whom, by the text of each file. A room may import what stands in its line and nothing else, so an
 * arrow in the wrong direction fails here with the file that it starts from. A new room gets a line of its own.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  bin: [
    'lib/app',
    'lib/config',
    'lib/config-table',
    'lib/data-lake',
    'lib/project-root',
    'lib/cost',
    'lib/monitoring',
    'lib/operate',
    'lib/recorded-weather',
    'lib/scenario',
    'lib/terminal',
  ],

  'lib/app': [
    'lib/config',
    'lib/names',
    'lib/project-root',
    'lib/data-lake',
    'lib/pipeline',
    'lib/monitoring',
  ],
  'lib/config': ['lambdas'],
  'lib/config-table': ['lib/config'],
  'lib/names': [],
  'lib/project-root': [],
  'lib/constructs': ['lib/config', 'lib/names', 'lib/project-root', 'lambdas'],
  'lib/data-lake': ['lib/config', 'lib/names', 'lib/constructs', 'lambdas'],
  'lib/pipeline': ['lib/config', 'lib/names', 'lib/constructs', 'lib/data-lake', 'lambdas'],
  'lib/monitoring': ['lib/config', 'lib/names', 'lib/constructs', 'lambdas'],
  'lib/cost': ['lib/app', 'lib/config', 'lib/names', 'lib/project-root', 'lambdas'],
  'lib/inspection': ['lambdas'],
  'lib/operate': [
    'lib/config',
    'lib/inspection',
    'lib/names',
    'lib/pipeline',
    'lib/recorded-weather',
    'lib/scenario',
    'lib/terminal',
    'lib/project-root',
    'lambdas',
  ],
  'lib/scenario': [
    'lib/config',
    'lib/inspection',
    'lib/project-root',
    'lib/recorded-weather',
    'lib/terminal',
    'lib/local',
    'lambdas',
  ],
  'lib/recorded-weather': ['lib/terminal', 'lib/local', 'lambdas'],
  'lib/terminal': [],
  'lib/local': [],

  'lambdas/ingest': SHARED,
  'lambdas/hourly': ['lambdas/pages', ...SHARED],
  'lambdas/retrain': ['lambdas/pages', ...SHARED],
  'lambdas/pages': SHARED,
  'lambdas/model': ['lambdas/lake', 'lambdas/weather', 'lambdas/runtime'],
  'lambdas/lake': ['lambdas/weather', 'lambdas/runtime'],
  'lambdas/settings': ['lambdas/weather'],
  'lambdas/weather': ['lambdas/runtime'],
  'lambdas/runtime': [],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

const sources = ['bin', 'lib', 'lambdas'].flatMap((room) =>
  readdirSync(join(projectRoot, room), { recursive: true, encoding: 'utf8' })
    .map((name) => join(room, name))
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('smo/assembly')),
);
const imports: readonly Import[] = sources.flatMap((from) =>
  relativeImports(readFileSync(join(projectRoot, from), 'utf8')).map((path) => ({
    from,
    to: resolved(join(dirname(from), path)),
  })),
);

describe('the import graph', () => {
  it('is read from the files: it has the arrows that are known to be there', () => {
    expect(imports).toContainEqual({ from: 'bin/garoa.ts', to: 'lib/app.ts' });
    expect(imports).toContainEqual({ from: 'lambdas/ingest/handler.ts', to: 'lambdas/ingest/poll.ts' });
    expect(imports.length).toBeGreaterThan(500);
  });

  it('has no arrow from a room to one that it may not know', () => {
    expect(imports.filter(({ from, to }) => !mayImport(roomOf(from), roomOf(to)))).toEqual([]);
  });

  it('has no circle', () => {
    expect(circle(imports)).toBeUndefined();
  });

  it('has no rule for a room that is not there', () => {
    const rooms = new Set(sources.map(roomOf));
    expect(Object.keys(ROOMS).filter((room) => !rooms.has(room))).toEqual([]);
  });

  it('keeps the CDK out of what runs in Lambda', () => {
    const cdk = /from '(aws-cdk-lib|constructs|cdk-nag)/;
    expect(
      sources.filter(
        (name) => name.startsWith('lambdas/') && cdk.test(readFileSync(join(projectRoot, name), 'utf8')),
      ),
    ).toEqual([]);
  });

  it('would show a circle', () => {
    const round = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'b' },
    ];
    expect(circle(round)).toEqual(['b', 'c', 'b']);
    expect(circle(round.slice(0, 2))).toBeUndefined();
  });
});

function relativeImports(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map(([, path = '']) => path);
}

/** @throws Error for a path that names no source, so that nothing escapes the rules by its spelling. */
function resolved(path: string): string {
  const found = ['', '.ts', '.tsx', '.d.ts', '/index.ts']
    .map((end) => path + end)
    .find((name) => /\.\w+$/.test(name) && existsSync(join(projectRoot, name)));
  if (found === undefined) throw new Error(`${path} is imported and not there.`);
  return relative('.', found);
}

/** `bin` is one room; in `lib` and `lambdas` it is the folder, or the file that lies there loose. */
function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'bin' ? top : `${top}/${second.replace(/\.ts$/, '')}`;
}

/** Infrastructure may import from every room of `lambdas`, never the other way round. */
function mayImport(own: string, other: string): boolean {
  const allowed = ROOMS[own] ?? [];
  return (
    own === other || allowed.includes(other) || (other.startsWith('lambdas/') && allowed.includes('lambdas'))
  );
}

/** The files of one circle, the first one again at the end; undefined when there is none. */
function circle(arrows: readonly Import[]): string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to } of arrows) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of targets.get(file) ?? []) {
      const found = walk(target, [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of targets.keys()) {
    const found = walk(file, []);
    if (found) return found;
  }
  return undefined;
}
