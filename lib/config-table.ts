import * as z from 'zod';
import { configSchema } from './config';

/** What each part of the configuration means; the schema says the rest. A test keeps the two together. */
const MEANINGS: Readonly<Record<string, string>> = {
  stage: 'Part of every name, so that several systems fit into one account',
  provider: 'Who is asked about the weather: `weatherapi` or `open-meteo`',
  plan: "The provider's plan that the calls of a month are held against, such as `starter`",
  'locations[].id': 'Part of object keys, never to change: lower-case letters, digits, hyphens',
  'locations[].name': 'What people call the place',
  'locations[].query': 'What the provider is asked for',
  'locations[].latitude': 'Asked for instead of `query`, and needed by `open-meteo`',
  'locations[].longitude': 'Goes with `latitude`',
  'locations[].timezone': 'IANA name, such as `America/Sao_Paulo`',
  'locations[].country':
    "The place's country as the provider spells it: without coordinates, an answer from another one is refused",
  'locations[].pollEveryMinutes': 'Minutes between two polls of the place',
  'locations[].forecast':
    'Whether the place has models, forecasts and a page; `false`: it is polled as a neighbour of others, and no more',
  rainThresholdMm: 'Precipitation of an hour from which on it counts as rain, mm',
  'schedules.hourlyMinute': 'Minute (UTC) at which the hour before is closed',
  'schedules.retrain.day': 'Day of the weekly retraining',
  'schedules.retrain.time': 'Its time, UTC',
  'schedules.crawl.day': "Day on which the crawler looks at the provider's replies",
  'schedules.crawl.time': 'Its time, UTC',
  'training.windowDays': 'Days of history that training sets span at most',
  'training.minimumRainEvents': 'Rain episodes without which no first model is made',
  'training.candidates': 'Recipes that the search may try for each location',
  'training.costs.miss': 'What a missed rain hour costs; with `falseAlarm` it sets the decision threshold',
  'training.costs.falseAlarm': 'What a false alarm costs, in the same unit',
  'retention.rawDays': 'Days until raw observations are deleted; never, when absent',
  'retention.supersededModelDays': 'Days until replaced versions of objects in the models bucket are deleted',
  'retention.queryResultDays': 'Days that query results and training sets stay',
  'retention.logDays': 'Days that logs stay',
  retrainOnEvidenceEveryDays:
    'Retrainings that lost skill starts: one at most in each period of so many days',
  firstDay: 'First UTC day that queries see, from 1940-01-01 on',
  accountConcurrency: 'Executions of functions that the account may run at once',
  alarmEmail: 'Receives every alarm, once the subscription mail is confirmed',
  dashboard: 'Whether CloudWatch gets a dashboard: $3 a month',
};

/** Where the page of the configuration lies in the repository. */
export const CONFIGURATION_FILE = 'lib/CONFIGURATION.md';

/** CONFIGURATION.md; `npm run documents` writes it. */
export function configurationPage(): string {
  return `# Configuration

The block \`garoa\` in [cdk.json](../cdk.json), checked at synth: a mistake is answered with its path. Made by
\`npm run documents\` from [config.ts](config.ts) and [config-table.ts](config-table.ts).

${configurationTable()}
`;
}

/** Table of the whole block, with defaults and limits from the schema itself. */
export function configurationTable(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const rows = leavesOf(node.parse(schema), '').map(({ path, leaf, fallback }) => {
    const meaning = MEANINGS[path];
    if (meaning === undefined) {
      throw new Error(`The configuration has ${path}, and nothing says what it means`);
    }
    return `| \`${path}\` | ${meaning} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${limitsOf(leaf)} |`;
  });
  if (rows.length !== Object.keys(MEANINGS).length) {
    throw new Error('A meaning is given for something that the configuration does not have');
  }
  return ['| key | meaning | default | values |', '|---|---|---|---|', ...rows].join('\n');
}

interface Node {
  readonly properties?: Readonly<Record<string, Node>> | undefined;
  readonly items?: Node | undefined;
  readonly default?: unknown;
  readonly enum?: readonly (string | number)[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
}

/** The part of JSON Schema that the configuration's schema comes out as. */
const node: z.ZodType<Node> = z.object({
  get properties() {
    return z.record(z.string(), node).optional();
  },
  get items() {
    return node.optional();
  },
  default: z.unknown().optional(),
  enum: z.array(z.union([z.string(), z.number()])).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
});

interface Leaf {
  readonly path: string;
  readonly leaf: Node;
  readonly fallback: string | number | boolean | undefined;
}

/** @param inherited default of the object that the node lies in, which may hold one for the node. */
function leavesOf(of: Node, path: string, inherited?: unknown): Leaf[] {
  const fallback = of.default ?? inherited;
  if (of.items !== undefined) {
    return leavesOf(of.items, `${path}[]`);
  }
  if (of.properties !== undefined) {
    const defaults = z.record(z.string(), z.unknown()).catch({}).parse(fallback);
    return Object.entries(of.properties).flatMap(([name, child]) =>
      leavesOf(child, path === '' ? name : `${path}.${name}`, defaults[name]),
    );
  }
  return [
    { path, leaf: of, fallback: z.union([z.string(), z.number(), z.boolean()]).optional().parse(fallback) },
  ];
}

function limitsOf({ enum: values, minimum, exclusiveMinimum, maximum }: Node): string {
  if (values !== undefined) {
    return values.join(', ');
  }
  const lowest = minimum ?? (exclusiveMinimum === undefined ? undefined : `above ${exclusiveMinimum}`);
  // Whole numbers without a limit of their own end where JavaScript's do.
  const highest = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (lowest === undefined && highest === undefined) {
    return '';
  }
  return highest === undefined ? `from ${lowest}` : `${lowest ?? ''} to ${highest}`;
}
