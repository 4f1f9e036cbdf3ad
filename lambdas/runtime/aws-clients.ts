import { AthenaClient } from '@aws-sdk/client-athena';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/**
 * One client per service and process, made on first use so that a function pays only for what it calls.
 * Region, credentials and endpoints come from the environment, as Lambda sets it.
 */
export const s3 = /* @__PURE__ */ once(() => new S3Client({}));
export const athena = /* @__PURE__ */ once(() => new AthenaClient({}));
export const secretsManager = /* @__PURE__ */ once(() => new SecretsManagerClient({}));
export const eventBridge = /* @__PURE__ */ once(() => new EventBridgeClient({}));
/** What is invoked may be begun a second time: a call that was throttled or broke off is repeated like any other. */
export const lambda = /* @__PURE__ */ once(() => new LambdaClient({}));

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
