/** Errors that say nothing about the origin: the request was malformed, or the client is closed. */
export function isOwnFault(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED'
}
