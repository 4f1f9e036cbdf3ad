import { denials } from './denials';

/** As MiniStack logs what a role of ours did, at last without its right to write to the raw bucket. */
const LOG = `
2026-11-26 23:13:27 INFO [lambda_runtime] Lambda worker spawned for garoa-prod-ingest (nodejs24.x, cold start)
2026-11-26 23:13:50 INFO [events] EventBridge → SQS garoa-prod-events
{"level":"WARN","message":"A place was refused by the provider","status":403}
DENIED arn:aws:sts::123456789012:assumed-role/ingest/garoa-prod-ingest is not authorized to perform s3:PutObject
{"level":"ERROR","error":{"name":"AccessDenied","message":"Access Denied"}}
`;

describe('denials', () => {
  it('are the lines in which IAM refuses a call, and what functions say of it', () => {
    expect(denials(LOG)).toEqual([
      expect.stringMatching(/^DENIED .* is not authorized to perform s3:PutObject$/),
      expect.stringContaining('"AccessDenied"'),
    ]);
  });

  it('are none where nobody was refused anything', () => {
    expect(denials(LOG.replace(/^.*denied.*$/gim, ''))).toEqual([]);
  });
});
