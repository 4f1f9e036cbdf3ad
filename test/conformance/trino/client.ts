import * as z from 'zod';
import { Unavailable } from '../unavailable';

const page = z.object({
  nextUri: z.string().optional(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })).optional(),
  data: z.array(z.array(z.unknown())).optional(),
  error: z.object({ errorName: z.string(), message: z.string() }).optional(),
});

/** What a query gave; cells as Trino's JSON has them. */
export interface TrinoResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Trino ended a query with an error. */
class TrinoFailure extends Error {
  override readonly name = 'TrinoFailure';
}

/** Asks a Trino server over its HTTP protocol. */
export class TrinoClient {
  constructor(
    private readonly url: string,
    private readonly place: { readonly catalog: string; readonly schema: string },
  ) {}

  /** @throws TrinoFailure with `NAME: message`. */
  async run(sql: string, session: Readonly<Record<string, string>> = {}): Promise<TrinoResult> {
    const { catalog, schema } = this.place;
    const user = { 'X-Trino-User': 'conformance' };
    const properties = Object.entries(session).map(([name, value]) => `${catalog}.${name}=${value}`);
    let reply = await this.fetchPage(`${this.url}/v1/statement`, {
      method: 'POST',
      body: sql,
      headers: {
        ...user,
        'X-Trino-Catalog': catalog,
        'X-Trino-Schema': schema,
        'X-Trino-Time-Zone': 'UTC',
        ...(properties.length > 0 && { 'X-Trino-Session': properties.join(',') }),
      },
    });
    const rows: (readonly unknown[])[] = [];
    let columns: TrinoResult['columns'] = [];
    for (;;) {
      columns = reply.columns ?? columns;
      rows.push(...(reply.data ?? []));
      if (reply.error !== undefined) {
        throw new TrinoFailure(`${reply.error.errorName}: ${reply.error.message}`);
      }
      if (reply.nextUri === undefined) {
        return { columns, rows };
      }
      reply = await this.fetchPage(reply.nextUri, { headers: user });
    }
  }

  private async fetchPage(url: string, init: RequestInit): Promise<z.infer<typeof page>> {
    const response = await fetch(url, init).catch((error: unknown) => {
      throw new Unavailable(`the server stopped answering (${String(error)}).`);
    });
    if (!response.ok) {
      throw new Error(`${url} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
    }
    return page.parse(await response.json());
  }
}
