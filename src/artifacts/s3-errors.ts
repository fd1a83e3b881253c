import { ApiError, errnoOf, StartError } from '../errors.ts';

const RETRY_AFTER_SEC = '5';

interface ServiceError extends Error {
  $metadata?: { httpStatusCode?: number };
}

const statusOf = (error: unknown): number | undefined => (error as ServiceError).$metadata?.httpStatusCode;
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

/** Whether it is the server that says no. */
export const hasAnswered = (error: unknown): boolean => statusOf(error) !== undefined || nameOf(error) === 'CredentialsProviderError';

/** Whether what was asked for is not there, or no longer what it was. */
export const isAbsent = (error: unknown): boolean =>
  (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') || statusOf(error) === 412;

/**
 * What a request is told when the object store failed: nothing about where it is and how we get in. Its own error stays as the cause, for
 * the log.
 */
export function requestError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (statusOf(error) === 507 || nameOf(error) === 'QuotaExceeded')
    return new ApiError('storage_full', 'there is no room left for files', { cause: error });
  return new ApiError('unavailable', 'the place for files does not answer; try again', {
    headers: { 'retry-after': RETRY_AFTER_SEC },
    cause: error,
  });
}

const PERMISSIONS =
  's3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects, s3:ListBucket and s3:ListBucketMultipartUploads on it';

/** Why the service can't start on a bucket, or is not ready any more, and what mends it. */
export function startError(error: unknown, { bucket, endpoint }: { bucket: string; endpoint: string }): StartError {
  const name = nameOf(error);
  const told = (problem: string, remedy: string): StartError => new StartError(problem, remedy, error);
  const server = `The S3 server at ${endpoint}`;

  switch (name) {
    case 'NoSuchBucket':
      return told(
        `There is no bucket ${bucket} at ${endpoint}.`,
        'make it, or set S3_CREATE_BUCKET=1 and the service makes it, or set S3_BUCKET to one that is there',
      );
    case 'CredentialsProviderError':
      return told(`There are no credentials for the bucket ${bucket}.`, 'set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY');
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'InvalidToken':
    case 'ExpiredToken':
      return told(`${server} does not accept the credentials (${name}).`, 'set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY to a valid pair');
    case 'RequestTimeTooSkewed':
      return told(`${server} has another time than this machine.`, 'set the clocks right');
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'IllegalLocationConstraintException':
      return told(`The bucket ${bucket} is in another region.`, 'set S3_REGION to the region that it is in');
  }
  const status = statusOf(error);
  if (status === 403) return told(`The credentials don't let us use the bucket ${bucket} (${name}).`, `allow them ${PERMISSIONS}`);
  if (status !== undefined) return told(`${server} fails (${status}, ${name}).`, 'see what it logs');
  return told(
    `${server} does not answer (${errnoOf(error) ?? name}).`,
    'start it, or set S3_ENDPOINT to where it is; NODE_EXTRA_CA_CERTS names a private authority for TLS',
  );
}
