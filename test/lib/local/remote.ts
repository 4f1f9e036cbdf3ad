/**
 * Whom the tests that can ask instead of the local cloud: the AWS or emulator that the SDK's variables lead to. The same
 * assertions hold the one and judge the other. `npm run conformance -- aws` says `ministack`; say `aws` for an account
 * that has what `test/conformance/aws/remote-stack.ts` deploys.
 */
export const REMOTE = process.env.REMOTE;
/** A test of what only the local cloud has: its files, its clock, its limits. */
export const itLocally = REMOTE === undefined ? it : it.skip;
/** A test that MiniStack 1.5.33 fails; AWS's documentation, linked beside it, says that the test is right. */
export const itUnlikeMiniStack = REMOTE === 'ministack' ? it.failing : it;
