import { ALARMS, type AlarmDefinition } from './alarms';

/** Where the runbook lies in the repository: the mails name it. */
export const RUNBOOK_FILE = 'lib/monitoring/RUNBOOK.md';

/** The stage that examples speak of. */
const DEFAULT_APPLICATION = 'garoa-prod';

/** What the mail of an alarm says of it: meaning, remedy, and where the same stands to be read at ease. */
export function mailText({ name, meaning, remedy }: AlarmDefinition, application: string): string {
  return [meaning, ...remedy, `Runbook: ${RUNBOOK_FILE}#${name}`].join(' ').replaceAll('{app}', application);
}

/** RUNBOOK.md; `npm run documents` writes it. */
export function runbook(): string {
  const sections = ALARMS.map(({ name, meaning, remedy }) =>
    [`## ${name}`, meaning, remedy.map((line) => `- ${line}`).join('\n')].join('\n\n'),
  );
  const introduction = [
    '# Runbook',
    'One section for each alarm, under its name; the mails say the same. Made by `npm run documents` from ' +
      '[alarms.ts](alarms.ts), where the words stand. Logs are in `/aws/lambda/{app}-*`, as JSON; Logs Insights has ' +
      'saved queries under `{app}/`. An alarm goes back by itself once its reason is gone.',
  ];
  return `${[...introduction, ...sections].join('\n\n')}\n`.replaceAll('{app}', DEFAULT_APPLICATION);
}
