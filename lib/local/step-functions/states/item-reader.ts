import type { MapState } from '../definition';
import { StatesError } from '../errors';
import { member } from '../query';
import type { Runner } from '../runner';
import type { Visit } from '../visit';

export async function itemsOf(runner: Runner, visit: Visit, state: MapState): Promise<unknown[]> {
  const { ItemReader: reader } = state;
  let items: unknown;
  if (reader === undefined) {
    items = await visit.query(state.Items ?? visit.frame.input, 'Items');
  } else {
    const source = await visit.query(reader.Arguments, 'ItemReader/Arguments');
    const bucket = member(source, 'Bucket');
    const key = member(source, 'Key');
    if (typeof bucket !== 'string' || typeof key !== 'string') {
      throw new StatesError('States.ItemReaderFailed', 'ItemReader needs a Bucket and a Key.');
    }
    items = await readItems(runner, visit, bucket, key, reader.ReaderConfig.InputType);
    if (Array.isArray(items)) items = items.slice(0, reader.ReaderConfig.MaxItems);
  }
  if (!Array.isArray(items)) {
    throw new StatesError(
      'States.QueryEvaluationError',
      `The items of ${visit.frame.state} are not an array.`,
    );
  }
  return items;
}

async function readItems(
  runner: Runner,
  { execution }: Visit,
  bucket: string,
  key: string,
  type: 'JSON' | 'JSONL',
): Promise<unknown> {
  try {
    const text = await runner.clock.track(runner.readObject(bucket, key, execution.roleOf));
    const items: unknown =
      type === 'JSON'
        ? JSON.parse(text)
        : text
            .split('\n')
            .filter((line) => line !== '')
            .map((line): unknown => JSON.parse(line));
    return items;
  } catch (error) {
    throw new StatesError('States.ItemReaderFailed', `s3://${bucket}/${key}: ${String(error)}`);
  }
}
