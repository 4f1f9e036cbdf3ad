import { Logger } from '@aws-lambda-powertools/logger';

/** JSON lines to CloudWatch; the function's name is taken from the Lambda environment. */
export const logger = new Logger();
