import type { VirtualClock } from '../../clock';
import type { ChoiceState, FailState, WaitState } from '../definition';
import { StatesError } from '../errors';
import type { Step, Visit } from '../visit';

export async function fail(visit: Visit, state: FailState): Promise<never> {
  const error = await visit.value('States.Failed', 'Error', state.Error);
  const cause = await visit.value('', 'Cause', state.Cause);
  throw new StatesError(String(error), String(cause));
}

export async function choose(visit: Visit, state: ChoiceState): Promise<Step> {
  for (const [index, rule] of state.Choices.entries()) {
    const met = await visit.query(rule.Condition, `Choices[${index}]/Condition`);
    if (typeof met !== 'boolean') {
      const reason = `The condition of choice ${index} of ${visit.frame.state} is not a boolean.`;
      throw new StatesError('States.QueryEvaluationError', reason);
    }
    if (met) return visit.leave(rule, {}, visit.frame.input);
  }
  if (state.Default === undefined) {
    throw new StatesError('States.NoChoiceMatched', `No choice of ${visit.frame.state} matched.`);
  }
  return visit.leave({ ...state, Next: state.Default }, {}, visit.frame.input);
}

export async function wait(clock: VirtualClock, visit: Visit, state: WaitState): Promise<Step> {
  let seconds: number;
  if (state.Timestamp !== undefined) {
    const timestamp = Date.parse(String(await visit.query(state.Timestamp, 'Timestamp')));
    if (Number.isNaN(timestamp)) throw new StatesError('States.Runtime', 'Timestamp is not a time.');
    seconds = Math.max(0, (timestamp - clock.now().getTime()) / 1000);
  } else {
    seconds = await visit.number(state.Seconds ?? 0, 'Seconds');
  }
  await clock.sleep(seconds, visit.stop);
  return visit.leave(state, {}, visit.frame.input);
}
