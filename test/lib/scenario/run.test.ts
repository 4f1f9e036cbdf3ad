import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../../lib/project-root';
import { readRecording } from '../../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../../lib/recorded-weather/recording';
import { awsFaultsAtRate } from '../../../lib/scenario/faults';
import { FolderRefused, prepareFolder } from '../../../lib/scenario/folder';
import { spanOf } from '../../../lib/scenario/span';

const directory = mkdtempSync(join(tmpdir(), 'garoa-run-'));
let recording: Recording;
beforeAll(async () => {
  const file = join(directory, 'w.csv');
  writeFileSync(file, 'location_id,observed_at\na,2020-01-01T06:00:00Z\na,2020-01-10T23:00:00Z\n');
  recording = await readRecording(file);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('spanOf', () => {
  it('leaves the live hours and backfills all days before them', () => {
    expect(spanOf({ recording, liveHours: 48 })).toEqual({
      firstDay: '2020-01-01',
      backfillDays: 8,
      liveFrom: '2020-01-09T00:00:00Z',
      liveTo: '2020-01-11T00:00:00Z',
    });
  });

  it('takes the number of days that it is given', () => {
    expect(spanOf({ recording, liveHours: 1, backfillDays: 3 })).toMatchObject({
      liveFrom: '2020-01-04T00:00:00Z',
      liveTo: '2020-01-04T01:00:00Z',
    });
  });

  it('says what would fit into a recording that is too short', () => {
    const span = (liveHours: number, backfillDays?: number) => () =>
      spanOf({ recording, liveHours, backfillDays });
    expect(span(48, 9)).toThrow(
      'w.csv holds 10 days from 2020-01-01 on: with 48 live hours, --backfill-days can be 8 at most, not 9.',
    );
    expect(span(240)).toThrow('too few for a day of history and 240 live hours.');
  });
});

describe('prepareFolder', () => {
  it('empties the folder of an earlier run, or keeps it', () => {
    const folder = join(directory, 'run');
    prepareFolder(folder, false)();
    writeFileSync(join(folder, 'summary.json'), '{}');
    prepareFolder(folder, true)();
    expect(() => prepareFolder(join(folder, 'summary.json'), false)).toThrow(FolderRefused);
    prepareFolder(folder, false)();
    expect(() => writeFileSync(join(folder, 'summary.json'), '{}', { flag: 'wx' })).not.toThrow();
  });

  it('refuses a folder that another living process works in, and takes over that of a dead one', () => {
    const folder = join(directory, 'shared');
    prepareFolder(folder, false)();
    writeFileSync(join(folder, 'run.pid'), String(process.ppid));
    expect(() => prepareFolder(folder, false)).toThrow(`process ${process.ppid}`);
    writeFileSync(join(folder, 'run.pid'), '4194305');
    expect(() => prepareFolder(folder, false)).not.toThrow();
  });

  it('takes over the folder of a process whose id another one has by now', () => {
    const folder = join(directory, 'reused');
    prepareFolder(folder, false)();
    writeFileSync(join(folder, 'run.pid'), `${process.ppid} Thu Jan  1 00:00:00 1970`);
    expect(() => prepareFolder(folder, false)).not.toThrow();
  });

  it.each([['an empty folder'], ['what a dead process left']])(
    'gives %s to one of many that ask at the same instant',
    async (state) => {
      const folder = join(directory, state.replaceAll(' ', '-'));
      mkdirSync(folder);
      if (state !== 'an empty folder') writeFileSync(join(folder, 'run.pid'), '4194305 long ago');
      const script = join(directory, 'ask.ts');
      writeFileSync(
        script,
        `import { prepareFolder } from ${JSON.stringify(join(projectRoot, 'lib/scenario/folder'))};
         while (Date.now() < Number(process.argv[2])) {}
         try { prepareFolder(${JSON.stringify(folder)}, false); console.log('mine'); }
         catch (error) { console.log(error.name); }
         process.stdin.resume().on('end', () => process.exit());`,
      );
      const start = String(Date.now() + 4_000);
      const asking = Array.from({ length: 6 }, () =>
        spawn(process.execPath, ['--import', 'tsx', script, start], { stdio: ['pipe', 'pipe', 'inherit'] }),
      );
      const answers = await Promise.all(
        asking.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
      );
      for (const { stdin } of asking) stdin.end();
      expect(answers.sort()).toEqual([...Array(5).fill('FolderRefused'), 'mine']);
    },
  );

  it('refuses a folder that cannot be made', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => prepareFolder(join(directory, 'file', 'run'), false)).toThrow("can't be written");
  });
});

describe('awsFaultsAtRate', () => {
  /** The tries of many requests for one subject, two of which are under way at any time; with the fault of each. */
  function lived(rate: number): (string | undefined)[][] {
    const plan = awsFaultsAtRate(rate, 'seed');
    const requests: (string | undefined)[][] = [];
    const underWay: (string | undefined)[][] = [[], []];
    for (let turn = 0; turn < 2_000; turn += 1) {
      const tries = underWay[turn % 2] ?? [];
      const call = { service: 's3', operation: 'PutObject', caller: 'f', subject: 'b/k' };
      const kind = plan({ ...call, attempt: tries.length + 1, attempts: 3 })?.kind;
      tries.push(kind);
      if (kind !== undefined && kind !== 'latency' && tries.length < 3) continue;
      requests.push(tries);
      underWay[turn % 2] = [];
    }
    return requests;
  }

  it('fails the same tries in every run, two of a request in a row among them', () => {
    const requests = lived(0.4);
    expect(lived(0.4)).toEqual(requests);
    expect(requests.filter(([first]) => first !== undefined).length).toBeGreaterThan(300);
    expect(requests.filter(([, second]) => second !== undefined).length).toBeGreaterThan(10);
  });

  it('never fails the last try of a client, whoever else asks for the same at that time (seed m2)', () => {
    expect(lived(0.4).flatMap((tries) => tries[2] ?? [])).toEqual([]);
  });

  it('leaves alone what its client tries once', () => {
    const plan = awsFaultsAtRate(0.5, 'seed');
    const call = { service: 's3', operation: 'GetObject', caller: 'f', attempt: 1, attempts: 1 };
    const found = Array.from({ length: 100 }, (_, index) => plan({ ...call, subject: `b/${index}` }));
    expect(found.flatMap((fault) => fault ?? [])).toEqual([]);
  });
});
