import type { Command } from './command';
import { adopt } from './commands/adopt';
import { backfill } from './commands/backfill';
import { forecast } from './commands/forecast';
import { history } from './commands/history';
import { promote } from './commands/promote';
import { report } from './commands/report';
import { retrain } from './commands/retrain';
import { rollback } from './commands/rollback';
import { setKey } from './commands/set-key';
import { status } from './commands/status';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  status,
  forecast,
  report,
  backfill,
  retrain,
  history,
  promote,
  rollback,
  setKey,
  adopt,
];
